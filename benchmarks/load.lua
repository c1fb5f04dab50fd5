-- What wrk sends and how it judges the answers. Its arguments come through the environment, because wrk splits words.
local function read(name)
  local file = assert(io.open(os.getenv(name), "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local expected = read("BENCH_EXPECTED")
local whole = os.getenv("BENCH_WHOLE") == "1"
local threads = {}
wrong = 0
sample = ""

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local body = read("BENCH_BODY")
  local headers = { ["Content-Type"] = "application/json" }
  requests, at = {}, 0
  for path in read("BENCH_PATHS"):gmatch("[^\n]+") do
    table.insert(requests, wrk.format("POST", path, headers, body))
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function response(status, headers, body)
  local good = status == 200
  if good and whole then good = body == expected end
  if good and not whole then good = string.find(body, expected, 1, true) ~= nil end
  if not good then
    wrong = wrong + 1
    if sample == "" then sample = status .. " " .. string.sub(body, 1, 300):gsub('[%c"\\]', " ") end
  end
end

function done(summary, latency, _)
  local wrong, sample = 0, ""
  for _, thread in ipairs(threads) do
    wrong = wrong + thread:get("wrong")
    sample = thread:get("sample") ~= "" and thread:get("sample") or sample
  end
  local errors = summary.errors
  io.write(string.format(
    '\nBENCH {"requests":%d,"microseconds":%d,"p50":%.3f,"p99":%.3f,"max":%.3f,"wrong":%d,"broken":%d,"timeouts":%d,"sample":"%s"}\n',
    summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    latency.max / 1000, wrong, errors.connect + errors.read + errors.write, errors.timeout, sample))
end
