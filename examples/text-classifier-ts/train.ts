/** Trains on three quarters of the messages, says how well it does on the rest, and saves the model: `npx tsx train.ts`. */
import { save } from 'thampi'
import { TextClassifier } from './classifier.ts'
import { messages } from './messages.ts'

const known = messages.filter((_, at) => at % 4 !== 0)
const unknown = messages.filter((_, at) => at % 4 === 0)
const model = new TextClassifier().fit(known)
const right = unknown.filter(([topic, text]) => model.predict({ text }).topic === topic)
console.log(`${right.length} of ${unknown.length} unknown messages are right.`)

const { nextCommand } = await save(new TextClassifier().fit(messages), 'topics', './models', {
  examples: [{ text: 'My parcel is late' }, { text: 'The refund did not arrive on my card' }],
  tags: { language: 'en' },
})
console.log(`Next: npx ${nextCommand}`)
