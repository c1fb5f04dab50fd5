/** Who is compared. */
import fastapi from './fastapi.mjs'
import flask from './flask.mjs'
import thampi from './thampi.mjs'

/** @type {readonly import('./peer.mjs').Peer[]} */
export const peers = [thampi, fastapi, flask]
