/**
 * What a peer is. One file a peer; `index.mjs` is the list.
 *
 * @typedef {import('../service.mjs').Surroundings} Surroundings
 *
 * @typedef {object} Configuration one honest way to run the peer
 * @property {string} name
 * @property {boolean} batches whether it hands several requests to the model together
 * @property {Record<string, string>} [env]
 * @property {(about: Surroundings) => Promise<void>} [prepare] before the start
 * @property {(about: Surroundings) => { file: string, args: string[], cwd?: string }} command
 * @property {(about: Surroundings) => Promise<void>} [publish] while it runs, before it is asked
 * @property {Partial<Pick<Peer, 'body' | 'read'>>} [speech] where it is spoken to in another way than its siblings
 * @property {(about: Surroundings, model?: string) => string} path where it is asked, for one of several models
 *
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} environment its list in `requirements/`
 * @property {string[]} packages whose versions are shown
 * @property {Configuration[]} configurations
 * @property {(about: Surroundings) => Record<string, string>} [env]
 * @property {(input: unknown) => string} body of a request
 * @property {(body: string) => unknown} read the result in an answer
 * @property {boolean} [varies] answers carry something new each time; else they must be equal byte for byte
 * @property {(body: string) => string} [proof] the part of a right answer that every right answer has
 */

/** Threads of numeric libraries, as every guide advises when there is one worker a core. Thampi sets this by itself. */
export const oneThread = () => ({ OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' })
