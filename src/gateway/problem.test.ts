import { expect, it } from 'vitest'
import { withoutDirectories } from './problem.ts'

it.each([
  ['No model at "/home/ada/models/iris": model.pkl is missing.', 'No model at "iris": model.pkl is missing.'],
  ['spawn /opt/venv/bin/python ENOENT', 'spawn python ENOENT'],
  [String.raw`cannot open 'C:\Users\ada\model.pkl'`, "cannot open 'model.pkl'"],
  ['see https://example.com/a/b for more', 'see https://example.com/a/b for more'],
  ['dev/iris is at 3/4 of and/or', 'dev/iris is at 3/4 of and/or'],
  ['/etc/passwd', 'passwd'],
])('%s', (text, told) => {
  expect(withoutDirectories(text)).toBe(told)
})
