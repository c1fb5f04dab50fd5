/** Loaded into a command with `--import`: it runs on a machine of that name, as far as it can see. */
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'

os.hostname = () => process.env.MACHINE
syncBuiltinESMExports()
