/** G21: two deployers at the same time, on one stage. */
import { readRecord, type VersionRecord, versionsOnDisk } from '../../../src/platforms/local/records.ts'
import { type Figure, none } from '../figure.ts'
import { key } from '../world.ts'

/** CONFLICT of `docs/reference/errors.md`: somebody else is deploying. */
const conflict = 5

export const racingDeployers: Figure = {
  id: 'G21',
  title: 'two deployers race for one stage',
  mutants: [
    {
      name: 'everybody gets a turn at once',
      edits: [
        { file: 'src/platforms/local/commands.ts', find: 'if (other) {', replace: "if (other === '') {" },
      ],
      // How often two winners then share a version is a matter of luck; that nobody is refused is not.
      reddens: 'deployers refused',
    },
  ],
  run: async lab => {
    const world = await lab.serving()
    const odd: string[] = []
    const shared: string[] = []
    const broken: string[] = []
    const races = lab.size(3, 50)
    let conflicts = 0
    for (let race = 0; race < races; race++) {
      const time = `2018-09-06T22:03:09.${String(race).padStart(6, '0')}`
      const ended = await Promise.all(
        (['a', 'b'] as const).map(async tag => ({
          tag,
          ...(await world.tryToServe(tag, `--served_time_utc=${time}`)),
        })),
      )
      const winners = ended.filter(({ status }) => status === 0)
      conflicts += ended.filter(({ status }) => status === conflict).length
      for (const { status, err } of ended)
        if (status !== 0 && status !== conflict) odd.push(`${status}: ${err}`)
      if (winners.length === 0) odd.push(`race ${race} had no winner`)
      const numbers = winners.map(({ tag, err }) => {
        const number = Number(/[Vv]ersion (\d+) serves/.exec(err)?.[1])
        world.tags.set(number, tag)
        return number
      })
      if (new Set(numbers).size < numbers.length)
        shared.push(`race ${race}: version ${numbers.join(' and ')}`)
      const { verdict, why } = await world.ask()
      if (verdict !== 'right') broken.push(why)
      for (const number of await versionsOnDisk(world.at, key))
        await readRecord<VersionRecord>(world.at.version(key, number)).catch(error =>
          broken.push(String(error)),
        )
    }
    return [
      none('ends that are neither won nor refused with exit code 5', odd),
      none('winners that share a version', shared),
      none('answers or records of a mixed release', broken),
      { name: 'deployers refused', got: conflicts, atLeast: 1, atMost: races },
    ]
  },
}
