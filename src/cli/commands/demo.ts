/** `thampi demo`: a URL that answers, at once, and the two ways to see it. */
import { demo, endDemo } from '../../demo.ts'
import { openInBrowser } from '../../system/browser.ts'
import { systemFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'
import { shellWord } from '../shell-word.ts'

interface DemoFlags {
  readonly open?: true
  readonly stop?: true
}

export async function demoCommand({ open, stop }: DemoFlags, session: Session): Done {
  const { output } = session
  const system = systemFor(session)
  if (stop) {
    const removed = await endDemo(system)
    if (output.manner.json) output.document({ removed })
    else output.result(removed ? 'The demo has ended.' : 'The demo was not served.')
    return 0
  }
  const { deployment, model } = await demo(system)
  const page = deployment.url.replace(/predict$/, '')
  if (output.manner.json) output.document({ url: deployment.url, page })
  else output.result(deployment.url)
  output.hint(`A flower, measured in centimetres: which iris is it? 0 setosa, 1 versicolor, 2 virginica
  curl -d ${shellWord(`{"data": ${model.receipts[0]?.data}}`)} ${deployment.url}
A page to play with: ${page}
Your own: thampi create     To end it: thampi demo --stop`)
  if (open && !(await openInBrowser(page, system))) output.warn(`There is no browser to open ${page} with.`)
  return 0
}
