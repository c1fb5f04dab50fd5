import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { hold, knock, openDoor } from './door.ts'

describe.skipIf(process.platform === 'win32')('a door in the directory for temporary files', () => {
  const dir = mkdtempSync(join(tmpdir(), 'thampi-door-'))
  const link = `${dir}-link`
  symlinkSync(dir, link)
  afterAll(() => {
    rmSync(dir, { recursive: true })
    rmSync(link)
  })

  it('is used when its directory is ours alone', async () => {
    const server = await openDoor(join(dir, 'one.sock'), { 'GET /hello': async () => 'hello' })
    expect(await knock(join(dir, 'one.sock'), 'GET /hello')).toBe('hello')
    await new Promise(resolve => server.close(resolve))
  })

  it.each([0o777, 0o750, 0o711])(
    'is neither opened nor spoken through when others may enter (%o)',
    async mode => {
      chmodSync(dir, mode)
      const path = join(dir, 'two.sock')
      const refused = { code: 'PERMISSION', message: expect.stringContaining(dir) }
      await expect(openDoor(path, {})).rejects.toMatchObject(refused)
      await expect(knock(path, 'GET /hello')).rejects.toMatchObject(refused)
      await expect(hold(path, 'POST /turn', {})).rejects.toMatchObject(refused)
      chmodSync(dir, 0o700)
    },
  )

  it('is not followed to where a link leads', async () => {
    await expect(knock(join(link, 'one.sock'), 'GET /hello')).rejects.toMatchObject({ code: 'PERMISSION' })
  })

  it('of the usual place is as private as the state directory it lies in', async () => {
    mkdirSync(join(dir, 'state'))
    await expect(knock(join(dir, 'state', 'host.sock'), 'GET /hello')).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    })
  })
})
