# Reads From fields with Ruby's mail: ruby mail_gem.rb
# Protocol: see ../mail_readers.py.
require "base64"
require "json"
require "mail"

def decoded(text)
  Mail::Encodings.value_decode(text)
end

def list(text)
  Mail::AddressList.new(text).addresses.map(&:address)
end

BODY = {
  "AddressList" => ->(text) { list(text) },
  "value_decode, AddressList" => ->(text) { list(decoded(text)) },
  "FromField" => ->(text) { Array(Mail::Field.new("From", text).addresses) },
}
BLOCK = { "Mail.new" => ->(block) { Array(Mail.new(block).from) } }
FIELDS = {
  "Mail.new" => lambda do |block|
    Mail.new(block).header_fields.select { |field| field.name.casecmp?("from") }.map(&:unparsed_value)
  end,
}

def answered(ways, given)
  ways.transform_values do |read|
    read.call(given.dup).compact.map { |text| text.to_s.dup.force_encoding("UTF-8").scrub }
  rescue StandardError, SystemStackError => error
    error.class.to_s
  end
end

puts JSON.generate({ "version" => "mail #{Mail::VERSION.version}, Ruby #{RUBY_VERSION}" })
$stdin.each_line do |line|
  given = JSON.parse(line)
  if given["body"]
    text = Base64.decode64(given["body"]).force_encoding("UTF-8").gsub("\r\n", "")
    puts JSON.generate({ "addresses" => answered(BODY, text) })
  else
    block = Base64.decode64(given["block"])
    puts JSON.generate({ "addresses" => answered(BLOCK, block), "fields" => answered(FIELDS, block) })
  end
end
