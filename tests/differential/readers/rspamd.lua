-- Reads From fields with rspamd: rspamadm lua --batch rspamd.lua
-- Protocol: see ../mail_readers.py.
--
-- When it starts, rspamadm connects to the name server in /etc/resolv.conf, and asks it nothing: it is run without a
-- network. As root it keeps compiled patterns in /var/lib/rspamd.

local rspamd_task = require "rspamd_task"
local rspamd_util = require "rspamd_util"

local function quoted(text)
  if not rspamd_util.is_valid_utf8(text) then
    text = text:gsub("[\128-\255]", "\239\191\189") -- U+FFFD
  end
  return '"' .. text:gsub('[%c"\\]', function(char) return string.format("\\u%04x", char:byte()) end) .. '"'
end

local function list(texts)
  local members = {}
  for number, text in ipairs(texts) do members[number] = quoted(text) end
  return "[" .. table.concat(members, ",") .. "]"
end

-- Each key of what is found for the members of a list, which rspamd gives as nil if it is empty.
local function each(key, found)
  local texts = {}
  for number, member in ipairs(found or {}) do texts[number] = member[key] end
  return texts
end

local function answered(way, read, given)
  local fine, answer = pcall(read, given)
  return "{" .. quoted(way) .. ":" .. (fine and list(answer) or quoted(tostring(answer))) .. "}"
end

local function parse_mail_address(body)
  return each("addr", rspamd_util.parse_mail_address(body))
end

local function get_from(task)
  return each("addr", task:get_from("mime"))
end

local function get_header_full(task)
  return each("value", task:get_header_full("From"))
end

local function of_block(block)
  -- Of a last line without an end, which none has in SMTP, it loses the last character.
  local _, task = rspamd_task.load_from_string(block:match("\n$") and block or block .. "\r\n")
  task:process_message()
  local addresses, fields = answered("get_from", get_from, task), answered("get_header_full", get_header_full, task)
  task:destroy()
  return string.format('{"addresses":%s,"fields":%s}', addresses, fields)
end

-- A line is out before the next one is read, should a question be one to die of.
io.stdout:setvbuf("line")
print(string.format('{"version":%s}', quoted("rspamd " .. rspamd_version("main"))))
for line in io.lines() do
  local what, base64 = line:match('"(%a+)": *"([^"]*)"')
  local octets = tostring(rspamd_util.decode_base64(base64))
  if what == "body" then
    local body = octets:gsub("\r\n", "")
    print(string.format('{"addresses":%s}', answered("parse_mail_address", parse_mail_address, body)))
  else
    print(of_block(octets))
  end
end
