<?php
// What wp_mail does with a hook: it lets it set up PHPMailer, then sends.
// Argument: the file that adds the hook.
require "libphp-phpmailer/autoload.php";

function add_action(string $name, callable $hook): void
{
    if ($name !== "phpmailer_init") {
        exit(1);
    }
    $mail = new PHPMailer\PHPMailer\PHPMailer(true);
    $mail->setFrom("news@example.com", "News");
    $mail->addAddress("ada@example.net");
    $mail->addCustomHeader("List-Id", "<weekly.example.com>");
    $mail->Subject = "WordPress news";
    $mail->Body = "Hello";
    $hook($mail);
    $mail->send();
}

require $argv[1];
