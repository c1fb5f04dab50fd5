/** The C library of this machine: what native code of wheels needs to be loaded here. */

/** `2.36`; undefined where there is no glibc, as on macOS, Windows and Alpine. */
export function glibcVersion(): string | undefined {
  // Otherwise the report looks up names of network addresses, which can take seconds.
  Object.assign(process.report, { excludeNetwork: true })
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return header?.glibcVersionRuntime
}
