/** The models that contract/answers.json asks, for the Node runtime; siblings of python/tests/contract_models.py. */
import {
  BadInput,
  type Batch,
  type Context as CallContext,
  ItemError,
  Model,
} from '../../src/runtime/model.ts'

/** Gives back what it got. */
export class Echo extends Model {
  override predict(args: unknown): unknown {
    return args
  }
}

export class Double extends Model<{ value: number }> {
  override predict(args: { value: number }): unknown {
    if (args.value === undefined) throw new TypeError('value is missing')
    return { result: args.value * 2 }
  }
}

/** No base class and no initialize; both are fine. */
export class Iris {
  predict(args: { input: number[] }): unknown {
    const length = args.input[2] ?? 0
    return { result: length < 2.5 ? 0 : length < 4.9 ? 1 : 2 }
  }
}

/** Returns what its key names, for results that no request can carry. */
export class Fixed extends Model<string> {
  results: Record<string, unknown> = {}

  override initialize(): void {
    const cycle: unknown[] = []
    cycle.push(cycle)
    this.results = {
      nan: { x: [1, Number.NaN, Number.POSITIVE_INFINITY] },
      big: 2n ** 70n,
      tuple: [1, [2, 3]],
      date: new Date('2018-09-06T22:03:09Z'),
      uuid: '9dbc56dd-936d-4dff-953c-8c22267ebe84',
      decimal: 1.1,
      surrogate: '\ud800',
      control: '\x00\x1f\u2028',
      bytes: Buffer.from('x'),
      set: new Set([1]),
      complex: { z: () => 1 },
      'tuple key': new Map([[[1, 2], 3]]),
      cycle,
      object: { scores: [0, 1, 2, Symbol('object')] },
      huge: 'x'.repeat(7_000_000),
    }
  }

  override predict(args: string): unknown {
    return this.results[args]
  }
}

export class Raises extends Model {
  override predict(args: unknown): unknown {
    if (args === 'str') throw new BadMessage()
    if (args === 'long') throw new RangeError('x'.repeat(100_000))
    if (args === 'surrogate') throw new Error('\ud800 größe')
    if (args === 'deep') return this.predict(args)
    throw new Error(`no answer for ${args}`)
  }
}

class BadMessage extends Error {
  override get message(): string {
    throw new Error('no message')
  }
}

export class Refuses extends Model {
  override predict(args: unknown): unknown {
    if (args === null) throw new BadInput('input is missing')
    throw new BadInput('input must have 4 numbers', '/data/input')
  }
}

export class Exits extends Model<string | number> {
  override predict(args: string | number): unknown {
    return process.exit(args === 'interrupt' ? 130 : Number(args))
  }
}

export class Async extends Model {
  ready = false

  override async initialize(): Promise<void> {
    this.ready = true
  }

  override async predict(args: unknown): Promise<unknown> {
    await Promise.resolve()
    if (args === 'raise') throw new Error('late')
    return { ready: this.ready, args }
  }
}

/** Has no predict. */
export class Batches {
  predictBatch(batch: unknown[]): Batch<unknown> {
    if (batch.length === 1 && batch[0] === 'short') return []
    if (batch.length === 1 && batch[0] === 'text') return 't'
    const instead: Record<string, Error> = {
      item: new ItemError('nothing is near'),
      bad: new BadInput('too hot', '/data'),
    }
    return batch.map(args => (typeof args === 'string' ? (instead[args] ?? args) : args))
  }
}

export class Generates extends Model {
  override *predict(args: unknown): Generator<unknown> {
    yield args
  }
}

export class Mutates extends Model<unknown[]> {
  override predict(args: unknown[], context: CallContext): unknown {
    args.push('changed')
    ;(context.properties as Record<string, unknown>).instance_id = 'forged'
    return args
  }
}

/** What a model is told. */
export class Context extends Model {
  override predict(_args: unknown, context: CallContext): unknown {
    return {
      stage: context.stage,
      properties: Object.keys(context.properties).sort(),
      has_request_id: Boolean(context.requestId),
      has_time: context.remainingMs() > 0 && context.remainingMs() < 3_600_000,
      logger: typeof context.log.info === 'function',
    }
  }
}

export class Prints extends Model {
  override predict(args: unknown, context: CallContext): unknown {
    console.log('printed', args)
    console.error('to stderr')
    context.log.warn('logged %s\nin two lines', args)
    process.stdout.write('unfinished')
    return null
  }
}

/** In Python it looks empty; here nothing does. */
export class Falsy extends Model {
  override predict(): unknown {
    return 'here'
  }
}
