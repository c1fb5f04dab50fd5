/** What no load generator measures: starts, memory, many models. Each gives named samples. */
import coldStart from './cold-start.mjs'
import commandLine from './command-line.mjs'
import idleModels from './idle-models.mjs'
import memory from './memory.mjs'

/**
 * @typedef {object} SpecialWorkload
 * @property {string} name
 * @property {string} title
 * @property {(plan: { python: string, small: boolean, runs: number, seconds: number }) =>
 *   Promise<Record<string, { unit: string, values: number[] }>>} run `python`: of Thampi's environment
 */

/** @type {readonly SpecialWorkload[]} */
export const specials = [coldStart, memory, idleModels, commandLine]
