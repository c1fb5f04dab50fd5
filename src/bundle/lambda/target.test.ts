/** A model on Lambda: which machine it is packed for, and what is refused before anything is packed. */
import { describe, expect, it } from 'vitest'
import { savedModel, stageOf } from '../../../tests/support/lambda-models.ts'
import { architectureOf, lambdaTarget, runtimeOf } from './target.ts'

describe('the target of a model', () => {
  it('is the Python that saved it, on the glibc of Amazon Linux 2023', () => {
    const target = lambdaTarget(savedModel({ python: '3.13.5' }), stageOf())
    expect(target).toEqual({ os: 'linux', arch: 'x64', glibc: '2.34', python: '3.13' })
    expect([runtimeOf(target), architectureOf(target)]).toEqual(['python3.13', 'x86_64'])
  })

  it.each(['3.12.1', '3.13.0', '3.14.2'])('can be Python %s', python => {
    expect(lambdaTarget(savedModel({ python }), stageOf()).python).toBe(python.slice(0, 4))
  })

  it('follows the setting `architecture`', () => {
    const target = lambdaTarget(savedModel({ python: '3.13.5' }), stageOf({ aws: { architecture: 'arm64' } }))
    expect([target.arch, architectureOf(target)]).toEqual(['arm64', 'arm64'])
  })

  it('is a Node for a model in TypeScript, the one that the settings name if they do', () => {
    const model = savedModel({ format: 'typescript' })
    expect(runtimeOf(lambdaTarget(model, stageOf()))).toBe('nodejs24.x')
    expect(runtimeOf(lambdaTarget(model, stageOf({ node: '22' })))).toBe('nodejs22.x')
  })

  it('leaves both languages open for an ONNX file', () => {
    expect(lambdaTarget(savedModel({ format: 'onnx' }), stageOf())).toMatchObject({
      python: '3.13',
      node: '24',
    })
  })
})

describe('a Python that Lambda cannot run', () => {
  it.each(['3.9.18', '3.10.12', '3.11.7'])('is told before anything is packed: %s', python => {
    expect(() => lambdaTarget(savedModel({ python }), stageOf())).toThrow(
      expect.objectContaining({
        code: 'PYTHON_MISMATCH',
        message: `iris-sklearn was saved with Python ${python}, which Lambda runs on glibc 2.26: too old for today's wheels.`,
        fix: 'save it with Python 3.12 or newer, or serve it on this machine: thampi serve staging --platform local',
      }),
    )
  })

  it('may be too new as well', () => {
    expect(() => lambdaTarget(savedModel({ python: '3.15.0' }), stageOf())).toThrow(
      expect.objectContaining({ code: 'PYTHON_MISMATCH', why: 'It offers 3.12, 3.13, 3.14.' }),
    )
  })

  it('may be the one that the settings want, of a model saved with another', () => {
    expect(() => lambdaTarget(savedModel({ python: '3.13.5' }), stageOf({ python: '3.12' }))).toThrow(
      expect.objectContaining({
        code: 'PYTHON_MISMATCH',
        fix: expect.stringContaining('"runtime": "python3.13"'),
      }),
    )
  })
})
