package diagnosis

// Texts that say the mailbox does not exist.
const deadTexts = `
recipient * not recognised
mailbox * not known
no user * at
no account for
no user named
user * not registered
recipient * not registered
mailbox * not registered
account is unknown
mailbox is unknown
address isnt valid at this
address not valid at this
address is not valid at this
mailbox * permanently closed
account * permanently closed
mailbox has been permanently closed
account has been permanently closed
not in my validrcptto
invalid rcptto
invalid rcpt
user unknown
unknown user
unknown recipient
recipient unknown
recipient is unknown
recipient not known
recipient address unknown
recipient address is unknown
recipients unknown
unknown address
address unknown
address is unknown
unknown mailbox
mailbox unknown
unknown local
unknown account
account unknown
unknown addressee
addressee unknown
unknown email
unknown e mail
unknown or illegal alias
unknown or illegal user
unknown or illegal address
unknown or illegal recipient
unknown alias
unknown virtual
username unknown
user name unknown
user is unknown
user not known
user * is not known
user * unknown
user * not known
not a known user
not known here
unknown to this host
unknown to us
no such user
no such mailbox
no such recipient
no such address
no such account
no such person
no such local
no such addressee
no such email
no such e mail
no such mail drop
no such alias
no such virtual user
no such name
no mailbox here
no mailbox here by that name
no user here by that name
recipient is not in my user list
not in our user list
not in the user list
not in my list of valid
not in the list of valid recipients
not in our list of valid recipients
no mailbox by that name
no mailbox found
no mailbox with
no mailbox for
no user by that name
no user with that name
no account by that name
no account with
no recipient by that name
no one by that name
nobody by that name
nobody here
no local mailbox
there is no such
there is no one at
there is no user
there is no mailbox
there is no account
mailbox not found
mailbox * not found
mailbox does not exist
mailbox doesnt exist
mailbox * does not exist
mailbox * doesnt exist
mailbox not exist
mailbox could not be found
mailbox cannot be found
mailbox no longer exists
mailbox has been deleted
mailbox has been removed
mailbox deleted
mailbox invalid
user not found
user * not found
user does not exist
user doesnt exist
user * does not exist
user * doesnt exist
user not exist
user dont exist
user account * does not exist
user could not be found
user cannot be found
user no longer exists
user has been deleted
user deleted
user invalid
user not local
user is not local
user * not listed in
users mailbox * was not found
recipient not found
recipient * not found
recipient does not exist
recipient doesnt exist
recipient * does not exist
recipient * doesnt exist
recipient not exist
recipient could not be found
recipient cannot be found
recipient no longer exists
recipients mailbox does not exist
recipient mailbox does not exist
recipient not exists
recipients email address * not found
recipient name is not recognized
recipient * not recognized
recipient invalid
recipnotfound
recipientnotfound
exrecipnotfound
nosuchuser
nosuchmailbox
userunknown
unknownuser
account not found
account * not found
account does not exist
account doesnt exist
account * does not exist
account * doesnt exist
account not exist
account that you tried to reach does not exist
account could not be found
account no longer exists
account has been deleted
account has been closed
account has been terminated
account has been removed
account is closed
account closed
account deleted
account terminated
address not found
address * not found
address does not exist
address doesnt exist
address * does not exist
address * doesnt exist
address not exist
address could not be found
address couldnt be found
address wasnt found
address cannot be found
address was not found
address no longer exists
address is no longer valid
address no longer valid
address does not belong
address has been deleted
address is not valid here
address not listed
addressee does not exist
alias does not exist
alias not found
email does not exist
email not found
username does not exist
username not found
does not exist at the organization
does not exist here
does not exist on this server
does not exist on this system
doesnt exist on this server
not exist in our
not exist on our
not found in directory
no user here
no recipient here
cannot find mailbox
cant find mailbox
could not find mailbox
couldnt find mailbox
cannot find user
cant find user
cannot find recipient
cant find recipient
cannot find the user
cannot find the mailbox
could not find user
couldnt find user
could not find recipient
unable to find user
unable to find recipient
unable to find mailbox
find any user by that name
have a user by that name
have a user with that name
have a mailbox by that name
not in directory
not in our directory
not in the directory
user is not found
recipient is not found
mailbox is not found
mailbox is not valid
email address does not exist
not listed in directory
not listed in domino directory
no longer on server
no longer on this server
user was deleted
mailbox was deleted
account was deleted
address was deleted
no longer has a mailbox
no longer has an account
no longer exists
recipient unknown to
not listed in public name
not listed in name
not found in domino directory
not a local user
not a valid user
not a valid mailbox
not a valid recipient
is not a valid email
not a user here
isnt a valid user
invalid recipient
invalid mailbox
invalid user
invalid username
invalid local address
invalid final delivery user
invalid final delivery userid
illegal user
illegal alias
bad destination mailbox address
bad destination email address
non existent user
nonexistent user
non existent mailbox
nonexistent mailbox
non existent recipient
nonexistent recipient
non existent address
nonexistent address
non existent account
nonexistent account
undefined mailbox
undefined user
unrouteable address
unroutable address
doesnt have a account
does not have a account
does not have an account
doesnt have an account
does not have an email account
doesnt have an email account
does not have a mailbox
doesnt have a mailbox
has no mailbox
has no account
didnt match any recipient
does not match any recipient
mailbox name not found
no valid mailbox
person not found
user id not found
unknown addresses
unknown users
address * couldnt be found
address you entered couldnt be found
recipient * wasnt found
user wasnt found
recipient was not found
user was not found
account was not found
mailbox was not found
`
