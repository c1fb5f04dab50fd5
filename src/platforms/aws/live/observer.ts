/** A record of what is asked of AWS, try by try, with how long it took and what came of it. It changes nothing. */
import type { Between } from '../client/between.ts'
import type { AnyClient } from '../client/calls.ts'
import { failureOf } from '../client/trouble.ts'

export interface Observed {
  /** `lambda:CreateFunction` */
  readonly action: string
  readonly input: Readonly<Record<string, unknown>>
  readonly output: Readonly<Record<string, unknown>> | undefined
  /** AWS's own name of the error, when it was one. */
  readonly awsCode: string | undefined
  /** On the clock of `performance.now`. */
  readonly fromMs: number
  readonly toMs: number
}

export class Observer implements Between {
  readonly calls: Observed[] = []
  /** Statuses of addresses that were asked for, oldest first. */
  readonly visits: (number | undefined)[] = []

  stand(client: AnyClient, service: string): void {
    type Output = { output: Readonly<Record<string, unknown>> }
    type Next = (args: { input: Observed['input'] }) => Promise<Output>
    const middleware =
      (next: Next, { commandName = '' }: { commandName?: string }): Next =>
      async args => {
        const about = { action: `${service}:${commandName.replace(/Command$/, '')}`, input: args.input }
        const fromMs = performance.now()
        const note = (rest: Pick<Observed, 'output' | 'awsCode'>): void => {
          this.calls.push({ ...about, ...rest, fromMs, toMs: performance.now() })
        }
        try {
          const result = await next(args)
          note({ output: result.output, awsCode: undefined })
          return result
        } catch (error) {
          note({ output: undefined, awsCode: failureOf(error).awsCode })
          throw error
        }
      }
    // Behind what tries again, so that every try is seen.
    client.middlewareStack.add(
      middleware as never,
      { step: 'initialize', name: 'thampiObserver', priority: 'low' } as never,
    )
  }

  async visit(_: string, ask: () => Promise<number | undefined>): Promise<number | undefined> {
    const status = await ask()
    this.visits.push(status)
    return status
  }

  /** Calls of one action that succeeded, oldest first. */
  done(action: string): Observed[] {
    return this.calls.filter(call => call.action === action && call.output !== undefined)
  }
}
