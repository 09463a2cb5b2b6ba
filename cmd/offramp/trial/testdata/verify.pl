# Has Mail::DKIM verify every message in a folder: the RSA signature must pass
# (older releases know no Ed25519) and cover both unsubscribe fields.
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

# The key comes from our record instead of the DNS.
no warnings qw(redefine once);
*Mail::DKIM::PublicKey::fetch = sub {
    my ($class, %o) = @_;
    my $record = $records{ lc "$o{Selector}._domainkey.$o{Domain}" } or die "no record for $o{Selector}\n";
    return $class->parse($record);
};
*Mail::DKIM::PublicKey::fetch_async = sub {
    my ($class, %o) = @_;
    my $key = eval { Mail::DKIM::PublicKey->fetch(%o) };
    my $error = $@;
    return sub { die $error if $error; return $key };
};

my ($messages, $passed, $bad) = (0, 0, 0);
opendir my $dir, $ARGV[1] or die;
for my $name (sort grep { /\.eml$/ } readdir $dir) {
    $messages++;
    open my $m, '<:raw', "$ARGV[1]/$name" or die;
    my $v = Mail::DKIM::Verifier->new;
    while (<$m>) { $v->PRINT($_) }
    $v->CLOSE;
    my $good = 0;
    for my $s ($v->signatures) {
        next unless $s->algorithm eq 'rsa-sha256';
        my %h;
        $h{lc $_}++ for $s->headerlist;
        if ($s->result eq 'pass' && ($h{'list-unsubscribe'} || 0) >= 1 && ($h{'list-unsubscribe-post'} || 0) >= 1) { $good++ }
        else { print "$name: ", $s->result_detail, "\n" }
    }
    if ($good) { $passed += $good } else { $bad++ }
}
print "Mail::DKIM: $messages messages, $passed RSA signatures pass, $bad messages bad\n";
exit($bad || !$passed ? 1 : 0);
