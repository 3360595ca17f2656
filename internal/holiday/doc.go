// Package holiday knows the days on which people here are free together: the
// public holidays of Sweden (lagen om allmänna helgdagar, 1989:253), and the eves
// of midsummer, Christmas and New Year, Easter Eve and Whitsun Eve, which are
// kept as such. Groups are not planned on them and talks are not offered, unless
// a coach says so. When they fall is the library's to say (rickar/cal, which has
// its one home here); which of them count is ours. Ordinary Sundays do not.
package holiday
