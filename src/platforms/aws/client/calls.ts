/** The calls of one service as functions, without those that nobody makes: an SDK's own class would bundle all of them. */

/** What we need of any client of the SDK. */
export interface AnyClient {
  send(command: never, options?: never): Promise<unknown>
  readonly middlewareStack: { add(middleware: never, options: never): void }
}

type CommandClass = new (input: never) => unknown

/**
 * `prepare` is given the client before the first call.
 *
 * @example
 * const { getAlias } = callsOf<Pick<Lambda, 'getAlias'>>(new LambdaClient({}), prepare, { getAlias: GetAliasCommand })
 */
export function callsOf<Calls>(
  client: AnyClient,
  prepare: (client: AnyClient) => void,
  commands: Readonly<Record<keyof Calls, CommandClass>>,
): Calls {
  prepare(client)
  const calls = Object.entries<CommandClass>(commands).map(([name, Command]) => [
    name,
    (input: unknown, options?: unknown) =>
      client.send(new Command((input ?? {}) as never) as never, options as never),
  ])
  // The SDK builds its own classes in this very way; their types say what each call takes and gives.
  return Object.fromEntries(calls) as Calls
}

/** Calls that change nothing; the rest is what a policy for looking would leave out. */
export function isRead(call: string): boolean {
  return /^(Get|List|Head|Describe|Filter|Invoke)/.test(call)
}
