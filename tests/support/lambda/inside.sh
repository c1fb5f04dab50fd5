#!/bin/sh
# Gives a program the file system that Lambda gives a function: code, layers and runtime in their places and read-only,
# nothing to write to but scratch. Runs in a mount namespace of its own (`unshare --mount`), so nobody else sees any of it.
#
# inside.sh TASK LAYERS RUNTIME SCRATCH KEEP PROGRAM [ARGUMENT…]
# KEEP: directories, one a line, that stay visible, read-only, although a mount would hide them; may be empty.
set -eu
task=$1 layers=$2 runtime=$3 scratch=$4 keep=$5
shift 5

# Everything is held on to in one place first: the sources may lie where the next mount hides them.
mount -t tmpfs stage /mnt
hold() {
  mkdir -p "/mnt/$1"
  mount --bind "$2" "/mnt/$1"
}
hold task "$task"
hold opt "$layers"
hold runtime "$runtime"
hold tmp "$scratch"
count=0
newline='
'
IFS=$newline
for directory in $keep; do
  count=$((count + 1))
  hold "keep$count" "$directory"
done

mount -t tmpfs var /var
mkdir /var/task /var/runtime
mount --move /mnt/task /var/task
mount --move /mnt/runtime /var/runtime
mount --move /mnt/opt /opt
mount --move /mnt/tmp /tmp
count=0
for directory in $keep; do
  count=$((count + 1))
  mkdir -p "$directory"
  mount --move "/mnt/keep$count" "$directory"
  mount -o remount,bind,ro "$directory"
done
umount /mnt
# Where Lambda has no shared memory.
[ ! -d /dev/shm ] || mount -t tmpfs -o ro shm /dev/shm
for place in / /var /var/task /var/runtime /opt; do
  mount -o remount,bind,ro "$place"
done
cd /var/task
exec "$@"
