#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Writes unicode_classes.inc from the Unicode data that perl has: perl unicode_classes.pl
use strict;
use warnings;
use Unicode::UCD;

my @categories = qw(Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co);
my @scripts = qw(Arabic Armenian Bengali Bopomofo Common Cyrillic Devanagari Ethiopic Georgian Greek Gujarati
                 Gurmukhi Han Hangul Hebrew Hiragana Inherited Kannada Katakana Khmer Lao Latin Malayalam
                 Mongolian Myanmar Sinhala Syriac Tamil Telugu Thai Tibetan);

sub table {
    my ($name, $what, @items) = @_;
    print "\n/* $what */\nstatic const $name = {\n";
    my $line = "   ";
    for my $item (@items) {
        if (length($line) + length($item) + 2 > 100) { print "$line\n"; $line = "   "; }
        $line .= " $item,";
    }
    print "$line\n};\n";
}

sub ranges { # of the code points that match
    my ($pattern) = @_;
    my ($start, @found);
    for my $code (0 .. 0x110000) {
        my $in = $code <= 0x10FFFF && !($code >= 0xD800 && $code <= 0xDFFF) && chr($code) =~ $pattern;
        if ($in && !defined $start) { $start = $code; }
        elsif (!$in && defined $start) { push @found, [$start, $code - 1]; undef $start; }
    }
    return @found;
}

print "/* SPDX-License-Identifier: Apache-2.0\n * Written by unicode_classes.pl, Unicode ", Unicode::UCD::UnicodeVersion(), ". */\n";
my @of = (0) x 0x110000;
for my $k (1 .. $#categories) {
    next if $categories[$k] eq 'Cs';
    for my $r (ranges(qr/\p{General_Category=$categories[$k]}/)) { $of[$_] = $k for $r->[0] .. $r->[1]; }
}
my ($surrogate) = grep { $categories[$_] eq 'Cs' } 0 .. $#categories;
$of[$_] = $surrogate for 0xD800 .. 0xDFFF;
my @runs;
for (my $code = 0; $code < 0x110000;) {
    my $end = $code;
    $end++ while $end < 0x110000 && $of[$end] == $of[$code];
    for (my $left = $end - $code; $left > 0; $left -= 2047) {
        push @runs, sprintf('0x%X', (($left < 2047 ? $left : 2047) << 5) | $of[$code]);
    }
    $code = $end;
}
table('char category_names[][3]', 'Codes of the runs below.', map { qq("$_") } @categories);
table('uint16_t category_runs[]', 'From code point 0 on: the length of a run times 32, and its category.', @runs);
my (@names, @list);
for my $script (@scripts) {
    my @found = ranges(qr/\p{Script=$script}/);
    push @names, sprintf('{"%s", %d, %d}', $script, scalar @list, scalar @found);
    push @list, map { sprintf('{0x%X, 0x%X}', @$_) } @found;
}
table('c2s_code_range script_ranges[]', 'Of the scripts below, one behind the other.', @list);
table('struct { const char *name; size_t first, count; } scripts[]', 'Name, first range, number of ranges.', @names);
