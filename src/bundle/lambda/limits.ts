/** What Lambda takes and what it does not. Each number with where it is written down. */

/** Bytes of function and layers together when unpacked. Lambda's own words: "Unzipped size must be smaller than 262144000 bytes". */
export const maxUnpackedBytes = 262_144_000

/**
 * What we leave free of it: Lambda counts blocks of its file system as well as bytes, and a package that fits by a hair
 * here is refused there.
 */
export const unpackedReserveBytes = 4_000_000

/** Bytes of a zip that `CreateFunction` and `UpdateFunctionCode` take directly; bigger ones go through S3. Quotas of Lambda: 50 MB. */
export const maxDirectUploadBytes: number = 50 * 1024 * 1024

/** Layers of one function. Quotas of Lambda. */
export const maxLayers = 5

/** Names and values of all variables of a function together. Quotas of Lambda: 4 KB. */
export const maxEnvironmentBytes: number = 4 * 1024

/** MB of memory a function can have. Quotas of Lambda; new accounts may be given less. */
export const memoryMb: { readonly least: number; readonly most: number } = { least: 128, most: 10_240 }

/** MB of scratch disk a function can have. Quotas of Lambda. */
export const scratchMb: { readonly least: number; readonly most: number } = { least: 512, most: 10_240 }

/** Seconds one call may take. Quotas of Lambda. */
export const maxTimeoutSeconds = 900

/** Bytes of a request and of an answer. Quotas of Lambda: 6 MB for synchronous calls. */
export const maxPayloadBytes: number = 6 * 1024 * 1024

/** Seconds until an HTTP API gives up. Quotas of API Gateway: integration timeout of an HTTP API. */
export const maxHttpApiSeconds = 30

/** A model up to this size travels in the function's own zip: it is read from disk, and nothing is fetched at a start. */
export const maxEmbeddedModelBytes = 50_000_000

/** A model up to this size, when it comes from S3, is loaded without touching more scratch disk than every function has. */
export const maxModelInLeastScratch = 450_000_000

/** A start longer than this is worth a snapshot; a shorter one gets slower by it, because restoring one takes 0.4 s and more. */
export const snapStartPaysAfterSeconds = 2

/** Seconds a start may take before Lambda ends it and begins again inside the first call. Lambda's init phase. */
export const maxInitSeconds = 10
