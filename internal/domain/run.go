package domain

import "context"

type runKey struct{}

// WithRun says that what is done with the context belongs to a run.
func WithRun(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, runKey{}, id)
}

// RunOf is the id of the run that what is done with the context belongs to; "" for none.
func RunOf(ctx context.Context) string {
	id, _ := ctx.Value(runKey{}).(string)
	return id
}
