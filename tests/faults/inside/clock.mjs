/** Loaded into the host with `--import`: lets the suite move its wall clock. */
let offsetMs = 0
const RealDate = Date
const realNow = Date.now.bind(Date)

globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(realNow() + offsetMs)
    else super(...given)
  }
  static now() {
    return realNow() + offsetMs
  }
}

process.on('message', ({ clock }) => {
  if (clock !== undefined) offsetMs = clock
})
// Being able to hear us must not keep a host alive that wants to end.
process.channel?.unref()
