/** A multinomial naive Bayes classifier of short texts: words are counted, and none is ever impossible. */
import { BadInput, Model } from 'thampi/model'

export interface Message {
  text: string
}

export interface Topic {
  topic: string
  /** Probability of each topic; they add up to 1. */
  probabilities: Record<string, number>
}

export class TextClassifier extends Model<Message, Topic> {
  topics: string[] = []
  /** Word → its row in `weights`. */
  vocabulary: Map<string, number> = new Map()
  /** Logarithm of the probability of each word in each topic, word after word. */
  weights: Float64Array = new Float64Array()
  /** Logarithm of how frequent each topic is. */
  priors: Float64Array = new Float64Array()

  /** Learns from texts whose topics are known. */
  fit(examples: readonly (readonly [topic: string, text: string])[]): this {
    this.topics = [...new Set(examples.map(([topic]) => topic))].sort()
    const texts = examples.map(([topic, text]) => ({
      topic: this.topics.indexOf(topic),
      words: wordsOf(text),
    }))
    const words = [...new Set(texts.flatMap(text => text.words))].sort()
    this.vocabulary = new Map(words.map((word, row) => [word, row]))
    const width = this.topics.length
    // Each word counts once more than it was seen (Laplace), so that an unseen one rules nothing out.
    const counts = new Float64Array(words.length * width).fill(1)
    const totals = new Float64Array(width).fill(words.length)
    for (const { topic, words } of texts) {
      for (const word of words) {
        const cell = (this.vocabulary.get(word) ?? 0) * width + topic
        counts[cell] = (counts[cell] ?? 0) + 1
        totals[topic] = (totals[topic] ?? 0) + 1
      }
    }
    this.weights = counts.map((count, cell) => Math.log(count / (totals[cell % width] ?? 1)))
    this.priors = Float64Array.from(this.topics, (_, topic) =>
      Math.log(texts.filter(text => text.topic === topic).length / texts.length),
    )
    return this
  }

  override predict(args: Message): Topic {
    const text: unknown = (args as Message | null)?.text
    if (typeof text !== 'string') throw new BadInput('text is missing', '/data/text')
    const scores = Float64Array.from(this.priors)
    for (const word of wordsOf(text)) {
      const row = this.vocabulary.get(word)
      if (row === undefined) continue
      for (let topic = 0; topic < scores.length; topic++)
        scores[topic] = (scores[topic] ?? 0) + (this.weights[row * scores.length + topic] ?? 0)
    }
    const highest = Math.max(...scores)
    const shares = scores.map(score => Math.exp(score - highest))
    const sum = shares.reduce((total, share) => total + share, 0)
    return {
      topic: this.topics[scores.indexOf(highest)] ?? '',
      probabilities: Object.fromEntries(this.topics.map((topic, at) => [topic, (shares[at] ?? 0) / sum])),
    }
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}+/gu) ?? []
}
