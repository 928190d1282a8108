//! What Server-Sent Events hold, which no single type says: schemas made of those of the events.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, schema::Type},
};

use crate::{
    http::events::Snapshot,
    live::hub::{CallEvent, ListEvent},
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
        schemas.push((
            <Snapshot<'_> as ToSchema>::name().into_owned(),
            Snapshot::schema(),
        ));
        schemas.push((
            <CallEvent as ToSchema>::name().into_owned(),
            CallEvent::schema(),
        ));
        Snapshot::schemas(schemas);
        CallEvent::schemas(schemas);
    }
}

/// What the `data` of the list's events holds.
pub(in crate::http) enum ListStream {}

impl PartialSchema for ListStream {
    fn schema() -> RefOr<Schema> {
        let tagged = |tag: &str| {
            let value = ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some([tag]));
            ObjectBuilder::new()
                .property("type", value)
                .required("type")
        };
        let call = AllOfBuilder::new()
            .item(tagged("call"))
            .item(Ref::from_schema_name(<ListEvent as ToSchema>::name()));
        let any = OneOfBuilder::new().item(call).item(tagged("snapshot"));
        any.into()
    }
}

impl ToSchema for ListStream {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((
            <ListEvent as ToSchema>::name().into_owned(),
            ListEvent::schema(),
        ));
        ListEvent::schemas(schemas);
    }
}
