/** Bars as SVG, written by hand: readable on light and on dark pages, nothing to install. */
import { shown } from './numbers.mjs'

const width = 760
const barHeight = 20
const rowHeight = 27
const labelWidth = 210
const valueWidth = 90

const style = `text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:15px}.bar{fill:#9aa4b2}
.ours{fill:#0a7d4f}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7a8a}.ours{fill:#2ea97a}}`

/**
 * @param {{ title: string, rows: readonly { label: string, value: number, isOurs: boolean }[] }} plot
 * @returns {string} an SVG document
 */
export function bars({ title, rows }) {
  const height = 40 + rows.length * rowHeight + 8
  const most = Math.max(...rows.map(({ value }) => value))
  const lines = rows.map(({ label, value, isOurs }, index) => {
    const y = 40 + index * rowHeight
    const length = Math.max(1, (value / most) * (width - labelWidth - valueWidth))
    return [
      `<text x="${labelWidth - 8}" y="${y + 15}" text-anchor="end">${escaped(label)}</text>`,
      `<rect class="bar${isOurs ? ' ours' : ''}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
      `<text x="${(labelWidth + length + 6).toFixed(1)}" y="${y + 15}">${shown(value)}</text>`,
    ].join('\n')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="8" y="22">${escaped(title)}</text>`,
    ...lines,
    '</svg>\n',
  ].join('\n')
}

function escaped(text) {
  return text.replace(/[&<>"]/g, character => `&#${character.codePointAt(0)};`)
}
