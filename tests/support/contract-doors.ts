/** The models that contract/doors.json asks, for the Node runtime; siblings of python/tests/contract_doors.py. */
import { BadInput, type Context, ItemError, Model } from '../../src/runtime/model.ts'

/** Gives back what it got. */
export class Echo extends Model {
  override predict(args: unknown): unknown {
    return args
  }
}

/** The names of the inputs. */
export class Columns extends Model<object> {
  override predict(args: object): unknown {
    return Object.keys(args).sort().join(', ')
  }
}

/** Results of every kind, whatever it got. */
export class Kinds extends Model {
  override predict(): unknown {
    return {
      int: 3,
      text: 'naïve',
      nested: { a: [1] },
      ragged: [[1], [2, 3]],
      mixed: [1, 'a'],
      none: null,
      huge: 2n ** 70n,
      gaps: [1.5, Number.NaN],
    }
  }
}

/** What was sent beside the input. */
export class Parameters extends Model {
  override predict(_args: unknown, context: Context): unknown {
    return context.params
  }
}

/** Would be told what is in a table, which there is none of here. */
export class Table extends Echo {}

/** Says how many it was asked together. */
export class Rows {
  predictBatch(batch: unknown[]): unknown[] {
    return batch.map(args => (args === 'bad' ? new ItemError('bad item') : `${args} of ${batch.length}`))
  }
}

export class Raises extends Model<object> {
  override predict(args: object): unknown {
    if ('refuse' in args) throw new BadInput('not today')
    throw new Error('no')
  }
}
