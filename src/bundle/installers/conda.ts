/** Projects kept with conda: their file was put into pip's spelling when it was read, and wheels need no conda. */
import type { Installer } from './installer.ts'
import { pip } from './pip.ts'

export const conda: Installer = { name: 'conda', install: pip.install }
