// Package admin is the second listener, for operators: metrics, health, a JSON API over the work queues and one page.
//
// It owns nothing: it shows what the queues and engines of the projects say, and passes on what an operator asks. Reading
// needs no token (the listener belongs on a loopback or an internal address); a request that changes something needs the
// admin token, and is refused when a web page of another origin sent it.
//
// It never shows a token, and never changes anything on a GET. Next door: proxy (SCIM), whose Metrics are served here.
package admin
