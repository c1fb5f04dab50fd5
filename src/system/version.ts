/** The version of this build. `package.json` is the only place that states it; the bundler puts it here. */

declare const __THAMPI_VERSION__: string | undefined

export const version: string = typeof __THAMPI_VERSION__ === 'string' ? __THAMPI_VERSION__ : '0.0.0+source'
