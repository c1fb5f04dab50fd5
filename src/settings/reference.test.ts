import { expect, it } from 'vitest'
import { settingsReference } from './reference.ts'

it('docs/reference/settings.md is what the table says', async () => {
  await expect(settingsReference()).toMatchFileSnapshot('../../docs/reference/settings.md')
})
