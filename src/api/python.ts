/** A client in Python: one file that needs the standard library only, for Python 3.9 and newer. */
import { type Api, predictPath } from './api.ts'
import { type NamedShape, type Shape, shapesOf } from './shapes.ts'

/** Names that the file has without our types. */
const ours = [
  ...[
    'Data',
    'Result',
    'Answer',
    'Properties',
    'Problem',
    'Client',
    'URL',
    'Any',
    'Dict',
    'List',
    'Literal',
    'Tuple',
  ],
  ...[
    'Optional',
    'TypedDict',
    'Union',
    'InputRefused',
    'NotAuthorized',
    'NotServed',
    'ModelFailed',
    'Unavailable',
  ],
]

/**
 * The text of the client.
 *
 * @example
 * writeFileSync('iris.py', pythonClient(api))
 */
export function pythonClient(api: Api): string {
  const taken = new Set(ours)
  const shapes = [
    ...shapesOf('Data', api.schema?.input ?? {}, taken),
    ...shapesOf('Result', api.schema?.output ?? {}, taken),
  ]
  // Classes first: they may name what stands below them, aliases may not.
  const isClass = ({ shape }: NamedShape): boolean => isTyped(shape)
  const ordered = [...shapes.filter(isClass), ...shapes.filter(shape => !isClass(shape))]
  return [head(api), ...ordered.map(definition), rest].join('\n\n\n')
}

function head(api: Api): string {
  const example = api.examples[0]?.data
  const key = api.needsKey ? 'api_key=os.environ["THAMPI_API_KEY"]' : ''
  return `"""Client of ${api.model} on ${api.stage}, made by \`thampi client python ${api.stage}\` from version ${api.version}.

    client = Client(${key})
    client.predict(${example === undefined ? '…' : inText(pythonLiteral(JSON.parse(example)))})["result"]
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any, Dict, List, Literal, Optional, Tuple, TypedDict, Union

URL = ${JSON.stringify(`${api.server}${predictPath(api)}`)}`
}

function definition({ name, shape, description }: NamedShape): string {
  if (shape.kind === 'object' && isTyped(shape)) return classesOf(name, shape, description)
  const comment = description === undefined ? '' : `# ${description.replace(/\s+/g, ' ')}\n`
  return `${comment}${name} = ${hintOf(shape, true)}`
}

type ObjectShape = Extract<Shape, { kind: 'object' }>

/** A key that is no name of Python cannot be a member of a class. */
function isTyped(shape: Shape): shape is ObjectShape {
  return shape.kind === 'object' && shape.members.every(({ name }) => isName(name))
}

function classesOf(name: string, { members }: ObjectShape, description: string | undefined): string {
  const text = description === undefined ? [] : [`    """${inText(description.replace(/\s+/g, ' '))}"""`, '']
  const lines = (required: boolean): string[] =>
    members
      .filter(member => member.required === required)
      .map(member => `    ${member.name}: ${hintOf(member.shape)}`)
  const [needed, optional] = [lines(true), lines(false)]
  if (optional.length === 0) return [`class ${name}(TypedDict):`, ...text, ...needed].join('\n')
  if (needed.length === 0) return [`class ${name}(TypedDict, total=False):`, ...text, ...optional].join('\n')
  return [
    ...[`class _RequiredOf${name}(TypedDict):`, ...needed, '', ''],
    ...[`class ${name}(_RequiredOf${name}, total=False):`, ...text, ...optional],
  ].join('\n')
}

/** The type hint; in an alias, names stand in quotes, because what they name may stand below. */
function hintOf(shape: Shape, quoted = false): string {
  const inner = (part: Shape): string => hintOf(part, quoted)
  switch (shape.kind) {
    case 'any':
      return 'Any'
    case 'number':
      return 'float'
    case 'whole':
      return 'int'
    case 'text':
      return 'str'
    case 'flag':
      return 'bool'
    case 'null':
      return 'None'
    case 'literals':
      return literalsHint(shape.values)
    case 'list':
      return `List[${inner(shape.of)}]`
    case 'row':
      return `Union[Tuple[${shape.of.map(inner).join(', ')}], List[Any]]`
    case 'map':
      return `Dict[str, ${inner(shape.of)}]`
    case 'object':
      return 'Dict[str, Any]'
    case 'either':
      return `Union[${shape.of.map(inner).join(', ')}]`
    case 'named':
      return quoted ? JSON.stringify(shape.name) : shape.name
  }
}

/** \`Literal\` takes no fractions. */
function literalsHint(values: readonly (string | number | boolean | null)[]): string {
  if (values.some(value => typeof value === 'number' && !Number.isInteger(value))) return 'Any'
  return `Literal[${values.map(pythonLiteral).join(', ')}]`
}

function pythonLiteral(value: unknown): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`
  if (typeof value === 'object') {
    const members = Object.entries(value).map(
      ([key, inner]) => `${JSON.stringify(key)}: ${pythonLiteral(inner)}`,
    )
    return `{${members.join(', ')}}`
  }
  return JSON.stringify(value)
}

/** Inside a text in three quotes. */
function inText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"""', '\\"\\"\\"').replace(/"$/, '\\"')
}

const keywords = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)

function isName(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(text) && !keywords.has(text)
}

const rest = `class Properties(TypedDict, total=False):
    """Which training and which release answered."""

    instance_id: str
    served_time_utc: str
    tags: Any
    thampi_data_version: str
    trained_time_utc: str


class Answer(TypedDict):
    properties: Properties
    result: Result


class Problem(Exception):
    """The server answered with a problem document (RFC 9457); \`document\` is all of it.

    \`code\` is what programs switch on. Where none of the classes below fits, it is just this.
    """

    def __init__(self, document: Dict[str, Any]) -> None:
        super().__init__(" ".join(filter(None, (document["detail"], document.get("hint")))))
        self.document = document
        self.code: str = document["code"]
        self.status: int = document["status"]


class InputRefused(Problem):
    """The input is not what the model takes: 400, 413, 415, 422."""


class NotAuthorized(Problem):
    """No API key, a wrong one, or a place that may not ask: 401, 403."""


class NotServed(Problem):
    """Nothing is served there: 404."""


class ModelFailed(Problem):
    """The model raised, died or took too long: 500, 502, 504."""


class Unavailable(Problem):
    """Not now: 429, 503."""


_CLASSES = {
    **dict.fromkeys((400, 413, 415, 422), InputRefused),
    **dict.fromkeys((401, 403), NotAuthorized),
    404: NotServed,
    **dict.fromkeys((500, 502, 504), ModelFailed),
    **dict.fromkeys((429, 503), Unavailable),
}


class Client:
    """Asks the model.

    \`url\`      the place it was served at unless said
    \`timeout\`  seconds for one prediction, further tries included
    \`retries\`  further tries when the server says that one may succeed
    """

    def __init__(
        self, url: str = URL, api_key: Optional[str] = None, timeout: float = 60.0, retries: int = 2
    ) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"}
        if api_key is not None:
            self._headers["X-API-Key"] = api_key
        self._timeout = timeout
        self._retries = retries

    def predict(self, data: Data) -> Answer:
        """Raises a \`Problem\`, or what \`urllib\` raises when nobody answers."""
        body = json.dumps({"data": data}, allow_nan=False).encode()
        deadline = time.monotonic() + self._timeout
        for left in range(self._retries, -1, -1):
            request = urllib.request.Request(self._url, body, self._headers)
            try:
                with urllib.request.urlopen(request, timeout=max(0.1, deadline - time.monotonic())) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                problem = _problem_of(error)
                pause = _pause(error.headers.get("Retry-After"), problem.document)
                if not problem.document.get("retryable") or not left or time.monotonic() + pause > deadline:
                    raise problem from None
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _problem_of(error: urllib.error.HTTPError) -> Problem:
    text = error.read().decode("utf-8", "replace")
    try:
        document = json.loads(text)
        known = isinstance(document["code"], str) and isinstance(document["detail"], str)
    except (ValueError, TypeError, KeyError):
        known = False
    if not known:
        document = {"code": "unknown", "detail": f"HTTP {error.code}: {text[:200]}", "retryable": False}
    return _CLASSES.get(error.code, Problem)({**document, "status": error.code})


def _pause(retry_after: Optional[str], document: Dict[str, Any]) -> float:
    if "retryAfterMs" in document:
        return document["retryAfterMs"] / 1000
    return float(retry_after) if retry_after and retry_after.isdigit() else 1.0
`
