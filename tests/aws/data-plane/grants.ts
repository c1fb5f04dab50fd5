/** Whether a resource policy lets somebody invoke: the statements that AddPermission made. */
import type { Statement } from '../lambda/function.ts'

export interface Wish {
  readonly action: string
  /** A service, or `*` for anybody. */
  readonly principal: string
  readonly sourceArn?: string
  readonly urlAuthType?: string
  readonly viaUrl?: boolean
}

export function isGranted(statements: readonly Statement[] | undefined, wish: Wish): boolean {
  return (statements ?? []).some(statement => grants(statement, wish))
}

function grants({ Action, Principal, Condition }: Statement, wish: Wish): boolean {
  if (!matches(Action, wish.action)) return false
  const { Service } = Principal as { Service?: string }
  if (Principal !== '*' && Service !== wish.principal) return false
  const { ArnLike, StringEquals, Bool } = (Condition ?? {}) as {
    ArnLike?: Record<string, string>
    StringEquals?: Record<string, string>
    Bool?: Record<string, string>
  }
  const [source, auth] = [ArnLike?.['AWS:SourceArn'], StringEquals?.['lambda:FunctionUrlAuthType']]
  if (source !== undefined && !matches(source, wish.sourceArn ?? '')) return false
  if (auth !== undefined && auth !== wish.urlAuthType) return false
  return Bool?.['lambda:InvokedViaFunctionUrl'] !== 'true' || wish.viaUrl === true
}

/** With `*` and `?`, as policies have them. */
export function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(text)
}
