/** What docs/reference/errors.md says about each code, beside the title and the exit status in src/errors.ts. */
import type { ErrorCode } from '../../src/errors.ts'

export interface ErrorText {
  /** When a person meets it, and what has happened to their things. */
  readonly means: string
  /** What the command says; names and numbers differ. */
  readonly looks: string
  /** What to do about it. */
  readonly mends: string
}

export const errorTexts: Readonly<Record<ErrorCode, ErrorText>> = {
  USAGE: {
    means:
      'A command, an option or a value is not one that Thampi knows, or something is missing and nobody is there to answer. Nothing was done.',
    looks: "Unknown command 'servee'.\nDid you mean serve?\nFix: thampi serve",
    mends:
      'The last line is the corrected command. `thampi COMMAND --help` lists the options; both spellings count, `--model_dir` and `--model-dir`.',
  },
  NAME_INVALID: {
    means:
      'A model name may have letters, digits, `_` and `-` (at most 80), a stage name letters, digits and `_` (at most 64). Names stand in URLs, directories and names of functions.',
    looks: '`--name` is "my model", which cannot be a model name.\nModel Name must match ^[a-zA-Z0-9_-]+$.',
    mends: 'Choose another name, or correct `project_name` or the stage in the settings file.',
  },
  NAME_TAKEN: {
    means:
      'Two stages of the settings file differ only in upper case, `_` and `-`. On AWS both would be the same function, and one would silently replace the other. Or a function of that name is in the account already and was not made for this stage; then it was left alone.',
    looks:
      'Stages `my_stage` and `My_Stage` of zappa_settings.json would share one function.\nBoth are called `mymodel-my-stage` where upper case, `_` and `-` do not count.',
    mends: 'Rename one of the stages, or give it another `project_name`.',
  },
  ENV_REQUIRED: {
    means:
      'The settings file has more than one stage and the command names none. Only `serve` alone takes `dev`, when there is one.',
    looks: 'Environment required. Refer to docs.\nStages: dev, staging, production.',
    mends: 'Name the stage: `thampi info staging`.',
  },
  ENV_UNKNOWN: {
    means: 'The stage is not a key of the settings file.',
    looks:
      'No stage `stagin` in zappa_settings.json. Did you mean `staging`? Stages: dev, staging, production.',
    mends: 'Correct the name, or add the stage to the file.',
  },
  SETTINGS_MISSING: {
    means:
      'A stage other than `dev` was named where there is no settings file; or `-s` names a file that is not there; or nothing says which model is meant, because there is neither a settings file nor a model under `./models`.',
    looks: 'No stage `staging`: there is no settings file, so the only stage is `dev`.\nFix: thampi init',
    mends:
      '`thampi init` writes the file. Without it use `thampi serve` and leave the stage out, in the directory that holds `models/`.',
  },
  SETTINGS_INVALID: {
    means:
      'The settings file is not JSON (or TOML, YAML), or a value in it is not of the kind that its key wants. The message names line, key and the value wanted. Keys that Thampi does not know are only warned about.',
    looks:
      '`memory_size` of stage `dev` cannot be "much" (zappa_settings.json, line 4).\nIt must be a whole number of MB, from 128 to 10240.',
    mends:
      'Correct the value; [settings.md](settings.md) has every key. An editor can check while you type: [../how-to/editor.md](../how-to/editor.md).',
  },
  SETTINGS_EXISTS: {
    means: '`thampi init` never overwrites a settings file. It says so before the first question.',
    looks: 'zappa_settings.json already exists. Delete it and run again.',
    mends: 'Delete or rename the file, or change it by hand.',
  },
  MODEL_MISSING: {
    means:
      'The directory is not there, or it has no `thampi.json` or no `model.pkl`. Without `--model_dir` it means that `./models` holds no saved model.',
    looks: 'No model at "./models/iris": thampi.json is missing.',
    mends: 'Run the training script, or pass the directory that `thampi.save()` wrote: `PATH/NAME`.',
  },
  MODEL_INVALID: {
    means:
      'The directory is there, but a file in it cannot be read as what it should be, or `--model_dir` names a file. An ONNX file or an `MLmodel` is not one, or wants what is never done: weights behind links, operators in machine code. From `thampi wrap`: the file holds no fitted estimator. From `thampi.save`: the object has no `predict`, or it cannot be pickled.',
    looks:
      '`./models/iris-sklearn/model.pkl` is a file; `--model_dir` takes the directory around it.\nFix: --model_dir=./models/iris-sklearn',
    mends:
      'Save the model again. Objects that hold open files, connections or locks cannot be pickled: open those in `initialize`.',
  },
  ARCHIVE_INVALID: {
    means:
      'A zip archive has numbers that contradict each other, files that would land outside the directory it is unpacked into, links, or far more content than its size allows. Nothing of it was kept.',
    looks: '"dependencies.zip" has a directory that does not reach to its end.',
    mends: 'Fetch or make the archive again.',
  },
  INTEGRITY: {
    means:
      'A file of a saved model, of a layer or of the local platform is not byte for byte what was written. It is not loaded; a stage that is served goes on as before. A training script that runs during `serve` has the same effect. Or a package that was fetched is not the one that was locked: it is thrown away.',
    looks: 'models/iris-sklearn/model.pkl is not the file that was saved.',
    mends:
      'Run the training script again, or restore the directory. For a damaged file of the local platform: serve the stage again. For a package: find out who changed it on the index, or on the way.',
  },
  PYTHON_MISSING: {
    means:
      'No Python 3.9 or newer was found, or the one that was named does not start. The message lists where it was looked for.',
    looks:
      'No usable Python was found.\nFix: install Python 3.9 or newer, or name one: --python /path/to/python',
    mends: 'Activate the virtual environment, or name a Python: [../how-to/python.md](../how-to/python.md).',
  },
  NODE_MISSING: {
    means:
      'A model in TypeScript was to be served, and `THAMPI_NODE` names something that does not start, or a Node older than 20. Without the variable the Node that runs `thampi` is taken.',
    looks:
      'THAMPI_NODE is "/opt/node16/bin/node", which is Node 16.20.2; models need Node 20 or newer.\nFix: unset THAMPI_NODE, or give it the path of a newer one',
    mends: 'Unset the variable, or give it the path of a newer Node.',
  },
  ESBUILD_MISSING: {
    means:
      'A model in TypeScript is bundled by the esbuild of your project, and the project has none. Nothing was written.',
    looks:
      'Iris needs esbuild to be bundled, and it is not installed here.\nFix: npm install --save-dev esbuild',
    mends: 'Install it; any version from 0.25 on.',
  },
  HOOK_FAILED: {
    means:
      'A function of the project that the settings name (`prebuild_script`, or one of `callbacks`) could not be found, or raised. What it printed stands above the error. Before the release nothing was changed on the platform; after it the new version has the traffic.',
    looks:
      'hooks.build (`prebuild_script` of stage `staging`) failed: ValueError: no data\nNothing was released.\nFix: mend the function, or take `prebuild_script` out of the settings',
    mends:
      'The name is a module and a function of it, seen from the project directory. The function is called with one object that tells stage, model and platform, or with nothing when it takes nothing; run it with the same Python to see more.',
  },
  BUNDLE_FAILED: {
    means:
      'The module that defines the model could not be put into one file: it does not compile, it is not exported, it stands in the script that trains, or it imports a package with native code. Nothing was written.',
    looks:
      'Iris is defined in train.ts, which is the script that runs now; loading the model would run it again.\nFix: move Iris to a file of its own, export it there and import it in train.ts',
    mends:
      'The message says which of these it is. What a model may consist of: [../how-to/typescript.md](../how-to/typescript.md).',
  },
  PYTHON_MISMATCH: {
    means:
      'Pickled code cannot go from one minor version of Python to another: it crashes without a message. So it is refused before the pickle is read.',
    looks:
      'iris-sklearn was saved with Python 3.11.7 but would be served with 3.12.1; pickled code cannot cross Python versions.\nFix: thampi serve … --python 3.11, or run your training script again under 3.12',
    mends: 'Serve with the Python that trained, or train with the one that serves.',
  },
  MODULE_MISSING: {
    means:
      'The pickle names a module whose package is neither in the dependency file nor installed beside the Python. Also when a package fails to import another one.',
    looks:
      'iris-sklearn needs scikit-learn (1.9.1 when saved) but requirements.txt does not list it.\nFix: add `scikit-learn==1.9.1` to requirements.txt',
    mends: 'Add the line that the message gives. `pip freeze > requirements.txt` writes them all.',
  },
  LOCAL_MODULE: {
    means:
      'The model needs a file or a class of your project that did not travel in the pickle. Models of 2018, and pickles made without `thampi.save`, have this.',
    looks: 'iris-sklearn imports `features.py` from your project, which is not in the saved model.',
    mends:
      'Save the model again with this version: modules of the project then travel inside. [../how-to/local-modules.md](../how-to/local-modules.md)',
  },
  MODEL_LOAD_FAILED: {
    means:
      'Loading or `initialize` ended with an exception, the process died, took more memory than `memory_size`, or was not ready after 60 seconds. The stage keeps serving what it served.',
    looks:
      'The model process needed more memory than the stage allows (812 MB used, 512 MB allowed).\nFix: raise "memory_size" of the stage in zappa_settings.json',
    mends:
      'The message names the line or the limit; `thampi logs STAGE --since=3m` has the traceback and what was printed.',
  },
  MODEL_RAISED: {
    means:
      'The model raised in `initialize`, on an example while it was saved, or on a recorded example before it got traffic. Nothing was saved, or no traffic moved.',
    looks:
      "The new version answered example 1 of 1 with HTTP 500. It gets no traffic.\nKeyError in train.py:16, `predict`: 'input'\nFix: thampi logs dev --since=3m",
    mends: 'Correct the model; the line is yours, not a library’s, wherever that can be told.',
  },
  RESULT_NOT_JSON: {
    means:
      'An example, its answer or `tags` holds something that JSON has no way to write. Raised by `thampi.save`; nothing was saved.',
    looks:
      'Example 1: `result.scores[3]` is a torch.Tensor. Nothing was saved.\nFix: return `float(…)` or `.tolist()`',
    mends:
      'Return what the message says. [http.md](http.md#how-results-become-json) lists what can be written.',
  },
  EXAMPLE_DIFFERS: {
    means:
      'The new version answers a recorded example otherwise than the model did when it was saved; mostly another version of a library, or a model that depends on time or chance. The old version keeps the traffic.',
    looks:
      'The new version answers example 1 of 1 differently from when the model was saved. It gets no traffic.\nresult.result was 2, is 1.\nFix: pin the library versions the model was saved with, or save it again; then thampi serve dev',
    mends:
      'Pin the versions, or save the model again. What counts as equal: [../how-to/receipts.md](../how-to/receipts.md).',
  },
  REQUIREMENTS_INVALID: {
    means:
      'The dependency file is not there, is no text, or has a line that cannot be read. It is never changed.',
    looks: 'There is no dependency file "requirement.txt".\nFix: pip freeze > requirements.txt',
    mends:
      'Correct the line that is named. Which files are understood: [../how-to/dependencies.md](../how-to/dependencies.md).',
  },
  INSTALL_FAILED: {
    means:
      'uv or pip ended with an error, an environment could not be made, or (from the Python package) the command line or its Node is missing. The last lines of the log stand above the message. Nothing half installed stays.',
    looks:
      'pip could not install the packages of requirements.txt.\nThere is no numpy==99 for this Python and this machine.\nFix: change that line of requirements.txt to a version that exists',
    mends:
      'Follow the last line; with another index or a proxy set `PIP_INDEX_URL` or `HTTPS_PROXY` as for pip itself.',
  },
  WHEEL_PLATFORM: {
    means:
      'The model is packed for another machine, such as AWS Lambda, and a package has no wheel for it; or its wheel holds a library that needs a newer glibc or another processor than that machine has. Nothing was uploaded.',
    looks:
      'numpy 2.4.6 does not run on Linux x86_64 with glibc 2.26: numpy/_core/_multiarray_umath.so needs glibc 2.27.\nFix: save and serve the model with Python 3.12 or newer',
    mends:
      'Another version of the package may have the wheel that is missing. A newer Python often means a newer system on the other side.',
  },
  OUTPUT_EXISTS: {
    means:
      'A command was to write a file or a directory, and something that it did not write is there. Nothing was touched. What the same command wrote earlier is replaced without a question.',
    looks:
      '"dist" is in the way of the package.\nIt holds "notes.txt", which Thampi did not write.\nFix: name another directory: --output DIR',
    mends: 'Name another place with `-o`, or move what is there away.',
  },
  PACKAGE_TOO_BIG: {
    means:
      'The packages of the model and the project take more room than AWS Lambda has for a zip package, although tests, headers and the like were left out already. Nothing was uploaded. The bars show the five biggest packages.',
    looks:
      'iris takes 712.4 MB unpacked; Lambda has room for 258.1 MB.\ntorch 2.13.0   ████████████████████████  613.0 MB\nnumpy 2.4.6    ██                         51.2 MB\nLeft out already: 86.1 MB of tests, headers and the like.\nFix: leave out what the model does not import, save it as ONNX, or serve it on this machine: thampi serve staging --platform local',
    mends:
      'Shorten the dependency file to what the model imports. A model saved as ONNX needs onnxruntime and numpy only. `thampi plan` shows what takes the room.',
  },
  WHEEL_INVALID: {
    means:
      'A wheel is not what its name, its own list of files or the rules for wheels say: a file of it would land outside, a file is missing or has another size, two packages bring different files under one name. Nothing of it was run, and nothing was uploaded.',
    looks:
      'The wheel of widgets 1.0 cannot be used.\n"widgets-1.0-py3-none-any.whl" has an entry "../evil.py" whose name leads out of the archive.\nFix: pin another version of widgets in the dependency file',
    mends:
      'Pin another version. When two packages bring the same file, only one of them can be kept: take the other out of the dependency file.',
  },
  SECRET_FOUND: {
    means:
      'A file that would be packed, or the pickle, holds text in the shape of a key or token. Files known to hold secrets, such as `.env`, are left out and named; this one has a harmless name.',
    looks:
      'settings.py:3 holds what looks like an AWS access key.\nFix: move it to "environment_variables", or, when it is no secret: --include-secret settings.py',
    mends:
      'Take the secret out of the file; give it to the model as an environment variable. `--include-secret PATH` packs the file all the same.',
  },
  PROJECT_INVALID: {
    means:
      'The project holds a link that leads out of it or in a circle, a name that not every system can hold, two names that differ in case only, or a file that changed while it was packed.',
    looks:
      '"data/iris" is a link that leads out of the project.\nIt points to /mnt/data/iris; only files of the project are packed.',
    mends: 'Replace or rename it, or list it under `exclude` of the stage.',
  },
  PROJECT_TOO_BIG: {
    means:
      'After everything that is left out, more than 20,000 files or 250 MB remain. The biggest parts are named.',
    looks:
      'The project has 48211 files (1204.5 MB) to pack; the limit is 20000 files and 250.0 MB.\nBiggest: data/ (48200 files, 1204.0 MB).',
    mends:
      'List the big parts under `exclude`, or pass `--project_dir` a directory that holds the code only.',
  },
  PLATFORM_UNAVAILABLE: {
    means:
      'The command asks for something that the platform of the stage does not have: `thampi status` on AWS, a policy for serving on this machine. Nothing was done.',
    looks: 'The platform "aws" does not tell how a stage does.\nFix: thampi info staging',
    mends: 'Use the command that the last line names. [../aws.md](../aws.md) says what there is on AWS.',
  },
  NO_AWS_PROFILE: {
    means:
      'The stage is served on AWS with a profile (`profile_name`, or the variable AWS_PROFILE) that neither `~/.aws/config` nor `~/.aws/credentials` has. Nothing was asked of AWS.',
    looks:
      'staging is served with the AWS profile "work", which this machine does not have.\nIt has: default, private.\nFix: aws configure --profile work   # or serve it here: --platform local',
    mends:
      'Create the profile, correct `profile_name`, or set it to null and put keys into the environment. Without an account: `--platform local`.',
  },
  NO_REGION: {
    means:
      'A stage on AWS has no `aws_region`, AWS_REGION is not set and the profile names no region either. Nothing was asked of AWS.',
    looks:
      'Nothing says in which AWS region staging is to be served.\nNeither `aws_region` in the settings, nor AWS_REGION, nor the profile names one.\nFix: aws configure set region eu-central-1   # or serve it here: --platform local',
    mends: 'Write `"aws_region"` into the stage, or give the profile a region.',
  },
  AWS_CREDENTIALS: {
    means:
      'AWS does not know the keys, they have expired, a sign-in has ended, or the clock of this machine is wrong. What was done before stays; the same command goes on there.',
    looks:
      'The sign-in of profile "work" has ended.\nThe SSO session associated with this profile has expired.\nFix: aws sso login --profile work',
    mends:
      'Sign in again as the last line says. `aws sts get-caller-identity` shows whether AWS accepts them.',
  },
  AWS_DENIED: {
    means:
      'The credentials are right but may not do what deploying needs. The message names the action. What was done before stays; the same command goes on there. Rules of an organisation, of a key or of a network are passed on in the words of AWS.',
    looks:
      'AWS does not let these credentials do lambda:CreateFunction.\nUser: arn:aws:iam::123456789012:user/ada is not authorized to perform: lambda:CreateFunction\nFix: thampi iam print   # the policy that deploying needs',
    mends: 'Hand the output of `thampi iam print` to whoever gives permissions in the account.',
  },
  AWS_REFUSED: {
    means:
      'A service of AWS understood what it was asked and does not do it: a value it does not take, a quota, a function that does not start. The message has its words. The stage answers as before.',
    looks: "AWS refused lambda:CreateFunction: 'MemorySize' value failed to satisfy constraint.",
    mends: 'Correct the setting that the message speaks of, or ask AWS for a higher quota.',
  },
  AWS_UNAVAILABLE: {
    means:
      'AWS could not be reached, gave no answer, or something it was preparing did not become ready in time. Whether the last call took effect is found out by the next run.',
    looks:
      'AWS did not answer lambda:UpdateFunctionCode in eu-central-1: socket hang up.\nFix: run the same command again; it goes on where it stopped',
    mends: 'Look at the network and run the same command again.',
  },
  BUCKET_UNUSABLE: {
    means:
      'The bucket of the stage belongs to another account, lies in another region, or cannot be called that. Nothing was written into it.',
    looks:
      'The bucket "thampi-store" belongs to another AWS account.\nNames of buckets are shared by everybody.\nFix: choose another "s3_bucket" in the settings of staging',
    mends: 'Choose another `s3_bucket`; `thampi serve` creates it.',
  },
  PORT_TAKEN: {
    means:
      'The port that the URLs of your stages name is in use by another program. It is not changed silently, because callers know it.',
    looks: 'Port 8426 is taken by nginx: worker process (process 812).',
    mends:
      'Stop that program; or choose once: `PORT=0 thampi serve` takes any free port, `thampi host --port 8800` a certain one.',
  },
  HOST_RUNNING: {
    means:
      'One process at a time owns the state directory, and one runs already. Usually you need not start it yourself.',
    looks: 'A local platform already runs on "/home/ada/.local/state/thampi".',
    mends:
      '`thampi doctor` shows its address, `thampi host --stop` ends it; another `THAMPI_HOME` runs a second one.',
  },
  HOST_FAILED: {
    means: 'The background process of the local platform ended or was not ready within 30 seconds.',
    looks: 'The local platform could not be started: it ended with status 1.',
    mends:
      '`thampi host` runs it in the foreground, where its errors can be seen. What it said in the background is in `host.log`.',
  },
  HOST_UNREACHABLE: {
    means:
      'The local platform is gone in the middle of a command, does not end when told to, or is of another version of Thampi.',
    looks:
      'The local platform broke off: socket hang up.\nFix: thampi host   # or thampi serve, which starts it',
    mends:
      'Run the command again; after an update: `thampi host --stop` first. Stages come back by themselves.',
  },
  NOT_DEPLOYED: {
    means: 'Nothing of this model is served on that stage of that platform.',
    looks:
      'staging is not deployed: nothing of "mymodel" is served on the local platform.\nFix: thampi serve staging',
    mends: 'Serve it. When you did: is it the same `THAMPI_HOME`, the same platform, the same directory?',
  },
  VERSION_UNKNOWN: {
    means:
      'A rollback or a route names a version that was never released on the stage, or is no longer kept.',
    looks: 'There is no version 9.\nThere are: 1, 2.\nFix: thampi versions',
    mends:
      'Look at `thampi versions STAGE` and name one of those. How many are kept: `num_retained_versions`.',
  },
  REQUEST_UNKNOWN: {
    means:
      '`thampi replay` names a request that was not kept: the settings did not say so, it did not fail, or it is too long ago.',
    looks:
      'No request 01JDQ4W8Z0V7N3C5T9K2M6P1XA of staging was kept.\nOnly failed ones are, the last 200 for 7 days at most.',
    mends: 'Which requests are kept, and for how long: [../how-to/replay.md](../how-to/replay.md).',
  },
  KEY_UNKNOWN: {
    means:
      '`thampi keys revoke` names a key that was never made, or was taken back before. Nothing was changed.',
    looks: 'staging has no API key "biling".\nIt has: billing.\nFix: thampi keys list staging',
    mends: 'Look at `thampi keys list STAGE` and name one of those.',
  },
  KEY_EXISTS: {
    means:
      'A key of that name is there already. Keys are shown once and cannot be shown again, so the one there is stays as it is.',
    looks:
      'There is an API key "billing" already.\nIt cannot be shown again; every key has a name of its own.\nFix: choose another name, or take that key back first: thampi keys revoke STAGE billing',
    mends:
      'Choose another name. Any number of keys count at the same time, so a caller can change over before the old one is revoked.',
  },
  STILL_DEPLOYED: {
    means: '`clean` would take the files from under a stage that answers.',
    looks:
      'Still served, and would die with the files: staging.\nFix: thampi undeploy staging   (or insist with --force)',
    mends: 'Take the stage down first.',
  },
  DEPLOY_IN_PROGRESS: {
    means:
      'Somebody else deploys the same stage at this moment, or moved its traffic while this command ran. Their turn ends with their command, also when it is killed; on AWS that of a machine that went away ends after two minutes. Nothing was moved.',
    looks:
      'staging is being deployed by ada, process 4711.\nFix: wait until that command has ended and run yours again',
    mends: 'Wait, and run the command again.',
  },
  PREDICT_FAILED: {
    means:
      'The endpoint answered with an error. With `--json` the document that it sent stands under `problem`.',
    looks: "The model raised an exception (HTTP 500).\nKeyError in train.py:16, `predict`: 'input'",
    mends:
      'The codes of such documents are in [http.md](http.md#problems); `thampi tail STAGE --since=3m` shows what happened.',
  },
  NETWORK: {
    means:
      '`predict` could not reach the URL of the stage; or packages for another machine could not be looked up or fetched. What has arrived of them is kept, and the same command asks for the rest.',
    looks:
      'numpy 2.4.6 could not be fetched from packages.example.org.\nIt answered 503.\nFix: run the command again later',
    mends:
      '`thampi info STAGE` starts the local platform again when it has died. For packages: check the network, the proxy and the user name, all of which [../how-to/private-packages.md](../how-to/private-packages.md) names.',
  },
  PERMISSION: {
    means:
      'A file or directory may not be read or written, or a port below 1024 may only be opened by an administrator.',
    looks:
      '"/var/lib/thampi" may not be written or read (EACCES).\nFix: set THAMPI_HOME to a directory of yours',
    mends: 'Change the permission, or set `THAMPI_HOME`.',
  },
  DISK_FULL: {
    means:
      'There is no space, or no quota, left. What was there before is untouched: files are written whole or not at all.',
    looks: 'No space left for "/home/ada/.local/state/thampi/host.json".',
    mends: '`thampi clean --scope=all --dry-run` lists what Thampi itself could give back.',
  },
  INTERRUPTED: {
    means: 'Ctrl-C. Half-made things are taken up or thrown away by the next run of the same command.',
    looks: 'Stopped. The same command takes it up again.',
    mends: 'Nothing needs to be mended.',
  },
  INTERNAL: {
    means: 'Something happened that we did not think of, or the installation is incomplete.',
    looks:
      'This should not have happened: …\nFix: run the same command with --verbose and send us what it prints',
    mends:
      'Install Thampi again if it says that a part is missing; else report it, with what `--verbose` prints.',
  },
}
