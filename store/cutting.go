package store

import (
	"context"
	"strings"
)

// cutting is a list that is shown in pages: rows of one table (c) that match and are visible, in the order of a keyset.
type cutting struct {
	from    string // the table and its alias
	id      string // the column that cursors name
	matches func(*args) string
	visible func(*args) string
	keyset  keyset
}

// cursor is the subquery for the row that a page is counted from.
func (l cutting) cursor(a *args, id string) string {
	return "SELECT " + strings.Join(l.keyset.columns, ", ") + " FROM " + l.from + " WHERE " + l.visible(a) + " AND " + l.id + " = " + a.add(id)
}

// page is the statement from the table on for the rows of a page.
func (l cutting) page(a *args, p Page) string {
	query := l.from + " WHERE " + l.matches(a)
	if id := p.cursorID(); id != "" {
		query += " AND " + l.keyset.beyond(p, l.cursor(a, id))
	}
	return query + " ORDER BY " + l.keyset.order(p) + " LIMIT " + a.add(p.Limit)
}

// count counts the rows up to the page's cursor and all of them. A cursor that is gone is an Invalid error.
func (l cutting) count(ctx context.Context, tx conn, p Page) (counted, total int, err error) {
	var a args
	if err = tx.row(ctx, "SELECT COUNT(*) FROM "+l.from+" WHERE "+l.matches(&a), a...).Scan(&total); err != nil {
		return 0, 0, err
	}
	counted, err = l.countUpTo(ctx, tx, p)
	return counted, total, err
}

// countUpTo counts the rows up to the page's cursor.
func (l cutting) countUpTo(ctx context.Context, tx conn, p Page) (counted int, err error) {
	id := p.cursorID()
	if id == "" {
		return 0, nil
	}
	var a args
	var there int
	err = tx.row(ctx, "SELECT COUNT(*) FROM "+l.from+" WHERE "+l.visible(&a)+" AND "+l.id+" = "+a.add(id), a...).Scan(&there)
	if err != nil {
		return 0, err
	}
	if there == 0 {
		return 0, errLostRow()
	}
	a = nil
	err = tx.row(ctx, "SELECT COUNT(*) FROM "+l.from+" WHERE "+l.matches(&a)+" AND "+l.keyset.upTo(p, l.cursor(&a, id)), a...).Scan(&counted)
	return counted, err
}
