// Package waiting measures how long people wait for their first talk: from the
// day a recommendation was received at a centre to the day the first talk was
// held there.
//
// It listens to what happens to recommendations, enrolments and talks, and asks
// their owners how things stand now rather than trusting the order of events:
// late, doubled and shuffled ones end in the same numbers. What is known of the
// recommendations that one centre received on one day is one document; the
// document of a centre is the sum of its days, without anybody in it, and every
// node holds it in memory. So a page reads memory, and nothing is scanned.
//
// What is published are median and 80th percentile of those who had their first
// talk in the last 90 days, or 180 or 365 when they are too few, and how many
// wait now. People with protected identity are in none of it: nothing here is
// for the county as a whole.
package waiting
