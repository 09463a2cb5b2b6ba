// Nodemailer sends what a usual application writes with it. Arguments: its
// folder, port of the server.
const [folder, port] = process.argv.slice(2);
const mail = require(folder).createTransport({ host: "127.0.0.1", port: Number(port), secure: false });
const common = { from: "Shop <shop@trial.example>", to: "ada@dest.example", text: "Hello Ada" };
const invitation = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//trial//EN", "METHOD:REQUEST", "BEGIN:VEVENT", "UID:1@trial.example",
  "DTSTAMP:20261128T100000Z", "DTSTART:20261201T100000Z", "ORGANIZER:mailto:shop@trial.example",
  "ATTENDEE:mailto:ada@dest.example", "SUMMARY:Fitting", "END:VEVENT", "END:VCALENDAR", ""].join("\r\n");

(async () => {
  for (const letter of [
    { subject: "password reset", text: "https://shop.trial.example/reset/1" },
    { subject: "newsletter by option", html: "<p>Hello</p>", list: {
      id: { url: "news.trial.example", comment: "Shop news" },
      unsubscribe: { url: "https://shop.trial.example/leave/1", comment: "Leave" },
      help: "help@trial.example?subject=help" } },
    { subject: "newsletter with a link", list: { unsubscribe: "https://shop.trial.example/leave/2" } },
    { subject: "newsletter with two links", list: { unsubscribe: [["https://shop.trial.example/leave/3", "leave@trial.example"]] },
      headers: { "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" } },
    { subject: "invitation", icalEvent: { method: "REQUEST", content: invitation } },
    { subject: "receipt of a mailto", list: { unsubscribe: "leave@trial.example?subject=leave" } },
    { subject: "automatic answer", inReplyTo: "<1@dest.example>", headers: { "Auto-Submitted": "auto-replied" } },
    { subject: "automatic notice", headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" } },
  ]) await mail.sendMail({ ...common, ...letter });
  mail.close();
})();
