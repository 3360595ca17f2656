// Package web is the door to browsers and machines.
package web
