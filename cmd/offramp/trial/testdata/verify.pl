# Has Mail::DKIM verify every message in a folder: the RSA signature must pass
# (older releases know no Ed25519) and cover the unsubscribe fields it has.
# Usage: verify.pl RECORDS FOLDER
use strict;
use warnings;
use JSON::PP;
use Mail::DKIM::Verifier;
use Mail::DKIM::PublicKey;

my %records;
sub collect {
    my ($node) = @_;
    if (ref $node eq 'HASH') {
        my ($name, $value) = @$node{qw(name value)};
        if (defined $name && defined $value && $name =~ /\._domainkey\./) {
            (my $key = lc $name) =~ s/\.$//;
            $records{$key} = $value;
        }
        collect($_) for values %$node;
    }
    elsif (ref $node eq 'ARRAY') { collect($_) for @$node }
}
open my $in, '<', $ARGV[0] or die;
my $text = do { local $/; <$in> };
my $json = JSON::PP->new;
$json->incr_parse($text);
while (defined(my $value = $json->incr_parse)) { collect($value) }

# The answer of the DNS is our record.
no warnings qw(redefine once);
*Mail::DKIM::DNS::query_async = sub {
    my ($name, $type, %o) = @_;
    my $record = $records{lc $name};
    my @answer = defined $record ? (bless { record => $record }, 'Record') : ();
    return sub {
        my $result = eval { $o{Callbacks}{Success}->(@answer) };
        return $@ ? $o{Callbacks}{Error}->($@) : $result;
    };
};
{
    package Record;
    sub type { return 'TXT' }
    sub txtdata { return $_[0]{record} }
    sub char_str_list { return $_[0]{record} }
}

my ($messages, $passed, $bad) = (0, 0, 0);
opendir my $dir, $ARGV[1] or die;
for my $name (sort grep { /\.eml$/ } readdir $dir) {
    $messages++;
    open my $m, '<:raw', "$ARGV[1]/$name" or die;
    my $v = Mail::DKIM::Verifier->new;
    my (%has, $body);
    while (<$m>) {
        $v->PRINT($_);
        $body = 1 if /^\r?\n$/;
        $has{lc $1}++ if !$body && /^(List-Unsubscribe(?:-Post)?):/i;
    }
    $v->CLOSE;
    my $good = 0;
    for my $s ($v->signatures) {
        next unless $s->algorithm eq 'rsa-sha256' && $records{lc $s->selector . '._domainkey.' . lc $s->domain};
        my %h;
        $h{lc $_}++ for $s->headerlist;
        if ($s->result eq 'pass' && !grep { !$h{$_} } keys %has) { $good++ }
        else { print "$name: ", $s->result_detail, "\n" }
    }
    if ($good) { $passed += $good } else { $bad++ }
}
print "Mail::DKIM: $messages messages, $passed RSA signatures pass, $bad messages bad\n";
exit($bad || !$passed ? 1 : 0);
