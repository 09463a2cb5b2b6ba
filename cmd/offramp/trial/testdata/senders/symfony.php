<?php
// A Symfony application: arguments are its .env and a file that sends a letter.
require "Symfony/Component/Mailer/autoload.php";

$env = parse_ini_file($argv[1]);
$mailer = new Symfony\Component\Mailer\Mailer(Symfony\Component\Mailer\Transport::fromDsn($env["MAILER_DSN"]));
require $argv[2];
