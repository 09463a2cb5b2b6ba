# Action Mailer as Rails sets it up. Arguments: the settings, the mailer.
require "action_mailer"

config = Struct.new(:action_mailer).new(ActionMailer::Base)
eval(File.read(ARGV[0]), binding)
require ARGV[1]
NewsMailer.weekly("ada@example.net").deliver_now
