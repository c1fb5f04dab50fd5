/**
 * The private token that allows to move traffic. It comes in the fragment of the address that `thampi open` prints, which
 * browsers send to nobody, and leaves the address bar at once; this tab remembers it until it is closed.
 */
const name = 'thampi-token'

/** Undefined for who came without. */
export function token(): string | undefined {
  const given = /^#token=([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1]
  if (given !== undefined) {
    sessionStorage.setItem(name, given)
    history.replaceState(null, '', location.pathname)
  }
  return sessionStorage.getItem(name) ?? undefined
}
