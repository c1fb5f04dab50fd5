/** Function URLs: one for a function, one for each alias. */
import { randomBytes } from 'node:crypto'
import type { CreateFunctionUrlConfigRequest, FunctionUrlConfig } from '@aws-sdk/client-lambda'
import { conflict, invalid, jsonAnswer, notFound } from '../errors.ts'
import type { Fn } from './function.ts'
import { bodyOf, type Handle, type LambdaCall, pageOf } from './lambda.ts'

type UrlBody = Partial<CreateFunctionUrlConfigRequest>

export const urlCalls: Readonly<Record<string, Handle>> = {
  CreateFunctionUrlConfig: (lambda, call) => {
    const { AuthType, Cors, InvokeMode = 'BUFFERED' } = bodyOf<UrlBody>(call)
    const fn = lambda.function(call.name)
    const { key, arn } = keyOf(fn, call)
    if (fn.urls.has(key))
      throw conflict(
        `Failed to create function url config for [functionArn = ${arn}]. Error message:  FunctionUrlConfig exists for this Lambda function`,
      )
    const now = new Date().toISOString()
    // The real one is a host of its own; ours is a path at the door, with the same slash at its end.
    const id = BigInt(`0x${randomBytes(20).toString('hex')}`).toString(36)
    const config = {
      FunctionUrl: `${lambda.around.url()}/_url/${id}/`,
      FunctionArn: arn,
      AuthType,
      ...(Cors && { Cors }),
      InvokeMode,
      CreationTime: now,
      LastModifiedTime: now,
    } as FunctionUrlConfig
    fn.urls.set(key, config)
    return jsonAnswer(201, config)
  },

  UpdateFunctionUrlConfig: (lambda, call) => {
    const fn = lambda.function(call.name)
    const { key } = keyOf(fn, call)
    const { AuthType, Cors, InvokeMode } = bodyOf<UrlBody>(call)
    const config = {
      ...urlOf(fn, key),
      ...(AuthType && { AuthType }),
      ...(Cors && { Cors }),
      ...(InvokeMode && { InvokeMode }),
      LastModifiedTime: new Date().toISOString(),
    }
    fn.urls.set(key, config)
    return jsonAnswer(200, config)
  },

  GetFunctionUrlConfig: (lambda, call) => {
    const fn = lambda.function(call.name)
    return jsonAnswer(200, urlOf(fn, keyOf(fn, call).key))
  },

  DeleteFunctionUrlConfig: (lambda, call) => {
    const fn = lambda.function(call.name)
    const { key } = keyOf(fn, call)
    urlOf(fn, key)
    fn.urls.delete(key)
    return jsonAnswer(204)
  },

  ListFunctionUrlConfigs: (lambda, call) =>
    pageOf('FunctionUrlConfigs', [...lambda.function(call.name).urls.values()], call),
}

function keyOf(fn: Fn, { qualifier }: LambdaCall): { key: string; arn: string } {
  if (qualifier === undefined) return { key: '', arn: fn.arn }
  if (/^(\d+|\$LATEST)$/.test(qualifier))
    throw invalid('Function URLs are supported for a function and for its aliases, not for its versions.')
  return { key: qualifier, arn: fn.alias(qualifier).arn }
}

function urlOf(fn: Fn, key: string): FunctionUrlConfig {
  const config = fn.urls.get(key)
  if (!config) throw notFound('The resource you requested does not exist.')
  return config
}
