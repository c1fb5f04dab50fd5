/** `thampi create`: asks for what was not said, writes the files, says what to type next. */
import { create, type TemplateName, templateNames, templates } from '../../create.ts'
import { InputEnded, openDialogue } from '../../system/dialogue.ts'
import { systemFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'
import { usage } from '../usage.ts'

interface CreateFlags {
  readonly template?: TemplateName
}

const example = 'thampi create iris --template ts'

export async function createCommand(dir: string | undefined, flags: CreateFlags, session: Session): Done {
  const { output } = session
  const answers = await complete(dir, flags.template, session)
  const created = await create(answers.dir, answers.template, systemFor(session))
  if (output.manner.json) {
    output.document(created)
    return 0
  }
  output.result(`Created ${answers.dir} with ${created.files.join(', ')}.`)
  output.hint(`Next:\n${created.next.map(command => `  ${command}`).join('\n')}`)
  return 0
}

async function complete(
  dir: string | undefined,
  template: TemplateName | undefined,
  session: Session,
): Promise<{ dir: string; template: TemplateName }> {
  if (dir !== undefined && template !== undefined) return { dir, template }
  const missing = [dir === undefined ? 'DIR' : '', template === undefined ? '--template' : ''].filter(Boolean)
  const unanswered = usage(`thampi create needs ${missing.join(' and ')} when it cannot ask.`, example)
  if (!session.mayAsk) throw unanswered
  const dialogue = openDialogue({
    input: process.stdin,
    write: text => session.output.say(text),
    color: false,
    signal: session.interrupts(),
  })
  try {
    return {
      dir: dir ?? ((await dialogue.ask('Directory (default iris): ')).trim() || 'iris'),
      template: template ?? (await askForTemplate(dialogue.ask, dialogue.say)),
    }
  } catch (error) {
    throw error instanceof InputEnded ? unanswered : error
  } finally {
    dialogue.close()
  }
}

async function askForTemplate(
  ask: (prompt: string) => Promise<string>,
  say: (line: string) => void,
): Promise<TemplateName> {
  for (const name of templateNames) say(`  ${name.padEnd(8)}${templates[name].about}`)
  for (;;) {
    const answer = (await ask('Template (default ts): ')).trim() || 'ts'
    const chosen = templateNames.find(name => name === answer)
    if (chosen) return chosen
    say(`There is no template "${answer}".`)
  }
}
