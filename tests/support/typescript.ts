/** A TypeScript project of a user: Thampi as npm unpacked it, and beside it the tools such a project has. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { npmPackage } from './doors.ts'
import type { Ended, Project } from './journey.ts'

const tools = ['esbuild', 'tsx', 'typescript', '@types/node', 'undici-types', 'zod']

/** What `npm install` would have done in the project's directory `at`, but for the tools in `without`. */
export function installIn({ dir }: Project, at = '', without: readonly string[] = []): void {
  const modules = join(dir, at, 'node_modules')
  for (const name of tools.filter(tool => !without.includes(tool)))
    link(resolve('node_modules', name), join(modules, name))
  link(npmPackage, join(modules, 'thampi'))
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(target, path, 'junction')
}

/** Runs a TypeScript file as its author would: with tsx. */
export function tsx(shop: Project, file: string, cwd = ''): Promise<Ended> {
  return shop.run(process.execPath, [resolve('node_modules/tsx/dist/cli.mjs'), file], { cwd })
}
