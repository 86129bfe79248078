# Reads From fields with one Perl module: perl perl_modules.pl <module>
# Protocol: see ../mail_readers.py.
use strict;
use warnings;
use Encode ();
use JSON::PP ();
use MIME::Base64 ();

my $name = shift @ARGV;
(my $file = "$name.pm") =~ s{::}{/}g;
require $file;

sub xs { map { $_->address } Email::Address::XS->parse($_[0]) }

my %MODULES = (
    'Email::Address::XS' => {
        body => {
            'parse' => \&xs,
            'MIME-Header decoded, parse' => sub { xs(Encode::decode('MIME-Header', $_[0])) },
        },
    },
    'Mail::Address' => {
        body => {
            'parse' => sub { map { $_->address } Mail::Address->parse($_[0]) },
            'MIME-Header decoded, parse' =>
                sub { map { $_->address } Mail::Address->parse(Encode::decode('MIME-Header', $_[0])) },
        },
    },
    'Email::MIME' => {
        block => {
            'header_raw, Email::Address::XS' => sub { map { xs($_) } Email::MIME->new($_[0])->header_raw('From') },
            'header_str, Email::Address::XS' => sub { map { xs($_) } Email::MIME->new($_[0])->header_str('From') },
        },
        fields => {
            'header_raw' => sub { map { Encode::decode('UTF-8', $_) } Email::MIME->new($_[0])->header_raw('From') },
        },
    },
);
require Email::Address::XS if $name eq 'Email::MIME';

sub answered {
    my ($ways, $given) = @_;
    my %answers;
    for my $way (keys %{ $ways || {} }) {
        my @found = eval { $ways->{$way}->($given) };
        $answers{$way} = $@ ? "$@" : [ grep { defined } @found ];
    }
    return \%answers;
}

$SIG{__WARN__} = sub { };
my $json = JSON::PP->new->ascii->canonical;
my $ways = $MODULES{$name};
printf "%s\n", $json->encode({ version => "$name " . $name->VERSION . ", Perl " . sprintf('%vd', $^V) });
while (my $line = <STDIN>) {
    my $given = $json->decode($line);
    my $octets = MIME::Base64::decode_base64($given->{body} // $given->{block});
    my $answer;
    if (exists $given->{body}) {
        $octets =~ s/\r\n//g;
        $answer = { addresses => answered($ways->{body}, Encode::decode('UTF-8', $octets)) };
    } else {
        $answer = { addresses => answered($ways->{block}, $octets), fields => answered($ways->{fields}, $octets) };
    }
    print $json->encode($answer), "\n";
}
