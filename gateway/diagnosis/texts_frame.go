package diagnosis

// Texts that are part of a report's form. The words in them are no reasons: a
// product may be called security, and an enclosure may be an attachment.
const frameTexts = `
messaging security suite
messaging security gateway
messaging security
message security
email security
e mail security
mail security
content security
internet security
web security
security suite
security appliance
security gateway
security server
security manager
security service
security cloud
security for
spam firewall
spam virus firewall
spam and virus firewall
spam gateway
spam appliance
anti spam gateway
anti spam appliance
anti virus gateway
virus gateway
virus scanner
policy patrol
policy manager
policy server
group shield
groupshield
groupwise
mail group
attachment is a copy
attachment is the original
attached is a copy
attached copy
attached message
attached file
attachment below
attachment contains
attachments contain
as an attachment
as attachment
is attached
are attached
see attachment
see the attachment
see attached
in the attachment
in attachment
original sender
originator
original message
original mail
original subject
message subject
sender of the message
sender of this message
notify the sender
inform the sender
return to sender
returned to sender
returning message to sender
returned to the sender
returned to its sender
back to sender
back to the sender
message size is
per message policy of
mime version
in ldap
ldap directory
in database
in the database
`
