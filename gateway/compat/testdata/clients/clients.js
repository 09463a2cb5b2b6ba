// Uses the suppression APIs at URL with KEY as programs that use the vendors' own
// libraries for Node do.
const assert = require('node:assert/strict')
const base = process.env.URL, key = process.env.KEY

async function postmark () {
  const { ServerClient } = require('postmark')
  const open = (token) => new ServerClient(token, { useHttps: false, requestHost: base.replace('http://', '') + '/compat/postmark' })
  const client = open(key)
  const sent = await client.createSuppressions('outbound', { Suppressions: [{ EmailAddress: 'ann@example.com' }, { EmailAddress: 'nobody' }] })
  assert.deepEqual(sent.Suppressions.map(s => [s.EmailAddress, s.Status]), [['ann@example.com', 'Suppressed'], ['nobody', 'Failed']])
  const dump = await client.getSuppressions('outbound', { emailAddress: 'ann@example.com' })
  assert.equal(dump.Suppressions.length, 1)
  const one = dump.Suppressions[0]
  assert.deepEqual([one.EmailAddress, one.SuppressionReason, one.Origin], ['ann@example.com', 'ManualSuppression', 'Customer'])
  assert.ok(Math.abs(new Date(one.CreatedAt) - Date.now()) < 60000, one.CreatedAt)
  const all = await client.getSuppressions('outbound')
  const reasons = Object.fromEntries(all.Suppressions.map(s => [s.EmailAddress, s.SuppressionReason + ' ' + s.Origin]))
  assert.equal(reasons['bounced0@example.com'], 'HardBounce Recipient')
  assert.equal(reasons['spam@example.com'], 'SpamComplaint Recipient')
  assert.equal(reasons['left@example.com'], 'ManualSuppression Recipient')
  const own = await client.getSuppressions('outbound', { suppressionReason: 'ManualSuppression', origin: 'Recipient' })
  assert.deepEqual(own.Suppressions.map(s => s.EmailAddress), ['left@example.com'])
  const gone = await client.deleteSuppressions('outbound', { Suppressions: ['ann@example.com', 'bounced0@example.com', 'never@example.com', 'spam@example.com', 'left@example.com', 'nobody'].map(EmailAddress => ({ EmailAddress })) })
  assert.deepEqual(gone.Suppressions.map(s => s.Status), ['Deleted', 'Deleted', 'Deleted', 'Failed', 'Failed', 'Failed'])
  const stream = await client.createSuppressions('news.example.org', { Suppressions: [{ EmailAddress: 'ann@example.com' }] })
  assert.equal(stream.Suppressions[0].Status, 'Suppressed')
  assert.equal((await client.getSuppressions('outbound', { emailAddress: 'ann@example.com' })).Suppressions.length, 0)
  await assert.rejects(open(key + 'x').getSuppressions('outbound'), e => e.statusCode === 401 && e.code === 10)
  await assert.rejects(client.createSuppressions('outbound', { Suppressions: [] }), e => e.statusCode === 422)
}

async function sendgrid () {
  const client = require('@sendgrid/client')
  client.setApiKey(key)
  client.setDefaultRequest('baseUrl', base + '/compat/sendgrid')
  const [added] = await client.request({ method: 'POST', url: '/v3/asm/suppressions/global', body: { recipient_emails: ['cat@example.com'] } })
  assert.equal(added.statusCode, 201)
  const [, list] = await client.request({ method: 'GET', url: '/v3/suppression/unsubscribes' })
  assert.ok(list.some(u => u.email === 'cat@example.com' && u.created > 1e9))
  const [removed] = await client.request({ method: 'DELETE', url: '/v3/asm/suppressions/global/cat@example.com' })
  assert.equal(removed.statusCode, 204)
  const [, one] = await client.request({ method: 'GET', url: '/v3/asm/suppressions/global/cat@example.com' })
  assert.deepEqual(one, {})
  await assert.rejects(client.request({ method: 'POST', url: '/v3/asm/suppressions/global', body: { recipient_emails: ['nobody'] } }),
    e => e.code === 400 && e.response.body.errors[0].message.includes('address 1'))
}

async function mailgun () {
  const Mailgun = require('mailgun.js')
  const client = new (Mailgun.default || Mailgun)(FormData).client({ username: 'api', key, url: base + '/compat/mailgun' })
  const domain = 'mg.example.org', s = client.suppressions
  await s.create(domain, 'bounces', [{ address: 'dot@example.com', code: 550, error: 'Gone' }])
  await s.create(domain, 'unsubscribes', { address: 'eli@example.com', tag: 'news.example.org' })
  await s.create(domain, 'complaints', [{ address: 'flo@example.com' }, { address: 'gil@example.com' }])
  const bounce = await s.get(domain, 'bounces', 'dot@example.com')
  assert.deepEqual([bounce.address, bounce.code, bounce.error], ['dot@example.com', 550, 'Gone'])
  assert.ok(Math.abs(bounce.created_at - Date.now()) < 60000)
  assert.deepEqual((await s.get(domain, 'unsubscribes', 'eli@example.com')).tags, ['news.example.org'])
  const page = await s.list(domain, 'complaints', { limit: 2 })
  assert.equal(page.items.length, 2)
  const next = await s.list(domain, 'complaints', { limit: 2, page: page.pages.next.page })
  assert.equal(next.items.length, 1)
  const gone = await s.destroy(domain, 'bounces', 'dot@example.com')
  assert.equal(gone.address, 'dot@example.com')
  await assert.rejects(s.get(domain, 'bounces', 'dot@example.com'), e => e.status === 404)
}

postmark().then(sendgrid).then(mailgun).catch(e => { console.error(e); process.exit(1) })
