/** Trains the model and saves it with one recorded example: `npm run train`. */
import { save } from 'thampi'
import { labels, rows } from './data.ts'
import { Iris } from './iris.ts'

const { path, nextCommand } = await save(new Iris(rows, labels), 'iris', './models', {
  inputExample: { input: [5.9, 3.2, 4.8, 1.8] },
})
console.log(`Saved to ${path}\nNext: npx ${nextCommand}`)
