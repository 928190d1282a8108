//! What Server-Sent Events hold, which no single type says: schemas made of those of the events.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        AllOfBuilder, ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, schema::Type,
    },
};

use crate::{
    http::events::Snapshot,
    live::hub::{CallEvent, LastWords, LeadEvent, ListEvent},
};

/// What the `data` of a call's events holds.
pub(in crate::http) enum CallStream {}

impl PartialSchema for CallStream {
    fn schema() -> RefOr<Schema> {
        let any = OneOfBuilder::new()
            .item(Ref::from_schema_name(<Snapshot<'_> as ToSchema>::name()))
            .item(Ref::from_schema_name(<CallEvent as ToSchema>::name()));
        any.into()
    }
}

impl ToSchema for CallStream {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        put::<Snapshot<'_>>(schemas);
        put::<CallEvent>(schemas);
    }
}

/// What the `data` of the list's events holds.
pub(in crate::http) enum ListStream {}

impl PartialSchema for ListStream {
    fn schema() -> RefOr<Schema> {
        let words = Ref::from_schema_name(<LastWords as ToSchema>::name());
        let words = tagged("words")
            .property("calls", ArrayBuilder::new().items(words))
            .required("calls");
        let any = OneOfBuilder::new()
            .item(also::<ListEvent>("call"))
            .item(words)
            .item(tagged("snapshot"));
        any.into()
    }
}

impl ToSchema for ListStream {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        put::<ListEvent>(schemas);
        put::<LastWords>(schemas);
    }
}

/// What the `data` of the leads' events holds.
pub(in crate::http) enum LeadStream {}

impl PartialSchema for LeadStream {
    fn schema() -> RefOr<Schema> {
        let any = OneOfBuilder::new()
            .item(also::<LeadEvent>("lead"))
            .item(tagged("snapshot"));
        any.into()
    }
}

impl ToSchema for LeadStream {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        put::<LeadEvent>(schemas);
    }
}

/// An object whose `type` is that.
fn tagged(tag: &str) -> ObjectBuilder {
    let value = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some([tag]));
    ObjectBuilder::new()
        .property("type", value)
        .required("type")
}

fn also<T: ToSchema>(tag: &str) -> AllOfBuilder {
    AllOfBuilder::new()
        .item(tagged(tag))
        .item(Ref::from_schema_name(T::name()))
}

/// A type's schema, and those of what it is made of.
fn put<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
