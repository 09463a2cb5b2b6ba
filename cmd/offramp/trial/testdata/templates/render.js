// Writes a link through template engines of JavaScript, as render.py does.
const link = process.argv[2];
const mustache = require("mustache");
const out = (name, text) => console.log(JSON.stringify([name, text]));

out("mustache", mustache.render('<a href="{{link}}">Unsubscribe</a>', { link }));
out("mustache unescaped", mustache.render('<a href="{{{link}}}">Unsubscribe</a>', { link }));
out("encodeURI", `<a href="${encodeURI(link)}">Unsubscribe</a>`);
out("URL", link.includes("://") ? `<a href="${new URL(link).href}">Unsubscribe</a>` : `<a href="${link}">Unsubscribe</a>`);
