/** Who is compared. */
import bentoml from './bentoml.mjs'
import fastapi from './fastapi.mjs'
import flask from './flask.mjs'
import { byHand } from './formats.mjs'
import litserve from './litserve.mjs'
import mlflow from './mlflow.mjs'
import mlserver from './mlserver.mjs'
import ray from './ray-serve.mjs'
import thampi from './thampi.mjs'

/** @type {readonly import('./peer.mjs').Peer[]} */
export const peers = [thampi, fastapi, flask, litserve, bentoml, mlserver, ray, mlflow, byHand]
