/** Secrets beside the code: known by the names of files, and by the shapes of tokens inside them. */

/** Something in a text that looks like a secret. The secret itself is never repeated. */
export interface Finding {
  readonly kind: string
  readonly line: number
}

const directoryNames = /^\.(aws|azure|ssh|gnupg|kube|docker|terraform|gcloud|envs?|secrets)$/

const fileNames: readonly RegExp[] = [
  /^\.env($|[._-])/,
  /^\.envrc$/,
  /^\.(npmrc|pypirc|netrc|pgpass|htpasswd|git-credentials|dockercfg|boto|s3cfg|vault-token)$/,
  /^_netrc$/,
  /\.(pem|key|p12|pfx|jks|keystore|ppk|kdbx?|ovpn|age|gpg)$/i,
  /^id_(rsa|dsa|ecdsa|ed25519)(_sk)?($|\.)/,
  /^id_[^.]+$/,
  // `credentials.py` may be code: what is inside decides.
  /^\.?credentials($|\.(?!py$))/i,
  /^(client_secret|service[-_]account)[^/]*\.json$/i,
  /^secrets?\.(json|ya?ml|toml|ini|txt|env)$/i,
  /\.tfstate($|\.)/,
  /\.tfvars($|\.)/,
]

/** Tells by the last name of a path alone. */
export function isSecretName(name: string, isDirectory: boolean): boolean {
  return isDirectory ? directoryNames.test(name) : fileNames.some(pattern => pattern.test(name))
}

interface Shape {
  readonly kind: string
  /** Letters that must occur before the expression is tried: most bytes are passed over quickly. */
  readonly mark: string
  readonly expression: RegExp
}

const shapes: readonly Shape[] = [
  shape('an AWS access key', 'AKIA', /(?<![A-Za-z0-9])AKIA[A-Z2-7]{16}(?![A-Za-z0-9])/g),
  shape('an AWS access key', 'ASIA', /(?<![A-Za-z0-9])ASIA[A-Z2-7]{16}(?![A-Za-z0-9])/g),
  shape(
    'an AWS secret key',
    'aws_secret_access_key',
    /aws_secret_access_key["']?\s{0,9}[=:]\s{0,9}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/g,
  ),
  shape(
    'an AWS secret key',
    'AWS_SECRET_ACCESS_KEY',
    /AWS_SECRET_ACCESS_KEY["']?\s{0,9}[=:]\s{0,9}["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])/g,
  ),
  // Only with key material behind it: code that handles keys mentions the first line alone.
  shape(
    'a private key',
    'PRIVATE KEY',
    /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\[rn]|[\s"'+,]){1,40}(?:Proc-Type|DEK-Info|Version:|Comment:|[A-Za-z0-9+/]{24})/g,
  ),
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map(mark =>
    shape('a GitHub token', mark, /(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36,}/g),
  ),
  shape('a GitHub token', 'github_pat_', /(?<![A-Za-z0-9])github_pat_[A-Za-z0-9_]{60,}/g),
  shape('a GitLab token', 'glpat-', /(?<![A-Za-z0-9])glpat-[A-Za-z0-9_-]{20,}/g),
  shape('a Slack token', 'xox', /(?<![A-Za-z0-9])xox[baprs]-(?=[0-9A-Za-z-]{0,40}\d{4})[0-9A-Za-z-]{20,}/g),
  shape('an npm token', 'npm_', /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/g),
  shape('a PyPI token', 'pypi-AgE', /pypi-AgE[A-Za-z0-9_-]{50,}/g),
  shape('a Hugging Face token', 'hf_', /(?<![A-Za-z0-9])hf_[A-Za-z0-9]{34,}/g),
  shape('a Google API key', 'AIza', /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/g),
  shape(
    'a Thampi API key',
    'thampi_',
    /(?<![A-Za-z0-9])thampi_(?=[\w-]{0,42}\d)(?=[\w-]{0,42}[A-Z])[\w-]{43}(?![\w-])/g,
  ),
  shape('a Stripe key', 'k_live_', /(?<![A-Za-z0-9])[sr]k_live_[A-Za-z0-9]{20,}/g),
  // Words with dashes (`sk-top-container` in the HTML of an estimator) are no keys: letters of both cases and digits.
  shape(
    'an API key',
    'sk-',
    /(?<![A-Za-z0-9_-])sk-(?:proj-|ant-[a-z0-9]{2,8}-|svcacct-)?(?=[A-Za-z0-9_-]{0,80}\d)(?=[A-Za-z0-9_-]{0,80}[A-Z])[A-Za-z0-9_]{16,}[A-Za-z0-9_-]{8,}/g,
  ),
  shape(
    'a JSON Web Token',
    'eyJ',
    /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}/g,
  ),
]

/** Bytes around a mark that an expression may need. Tokens are shorter. */
const AROUND = 4096

/**
 * The first secret of each kind in these bytes, by line. Works on text (also UTF-16) and on a pickle alike,
 * since strings stand in a pickle as they are.
 */
export function findSecrets(bytes: Buffer): Finding[] {
  const utf16 = bytes.length >= 2 && bytes[0] === 0xff && bytes[1] === 0xfe
  const content = utf16 ? Buffer.from(bytes.toString('utf16le'), 'latin1') : bytes
  const found = new Map<string, Finding>()
  for (const { kind, mark, expression } of shapes) {
    for (
      let at = content.indexOf(mark);
      at >= 0 && !found.has(kind);
      at = content.indexOf(mark, at + mark.length)
    ) {
      const start = Math.max(0, at - 64)
      const text = content.toString('latin1', start, at + AROUND)
      const match = [...text.matchAll(expression)].find(([token, part]) => !isPlaceholder(part ?? token))
      if (match) found.set(kind, { kind, line: lineOf(content, start + match.index) })
    }
  }
  return [...found.values()].sort((a, b) => a.line - b.line)
}

/** `AKIAIOSFODNN7EXAMPLE`, `ghp_xxxxxxxx…`: what documentation writes in the place of a secret. */
function isPlaceholder(token: string): boolean {
  return /EXAMPLE|x{6}|X{6}|\*{4}|0{10}|1234567890/.test(token) || new Set(token).size < 9
}

function lineOf(content: Buffer, position: number): number {
  let line = 1
  for (let at = content.indexOf(10); at >= 0 && at < position; at = content.indexOf(10, at + 1)) line++
  return line
}

function shape(kind: string, mark: string, expression: RegExp): Shape {
  return { kind, mark, expression }
}
